/** Takes user names and passwords out of the addresses in a text, for logs: rtsp://***@camera/stream. */
export function withoutSecrets (text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, '//***@')
}
