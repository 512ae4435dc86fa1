/** SHA-256 of bytes in lower-case hexadecimal, computed on the thread pool. */
export async function sha256 (bytes: Buffer): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
}
