/**
 * Takes secrets out of the addresses in a text, for logs: user names, passwords and the values of queries, since many
 * cameras take their password in one: rtsp://***@camera/stream?password=***.
 */
export function withoutSecrets (text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, '//***@').replace(/([?&][^=&\s]+=)[^&\s]*/g, '$1***')
}
