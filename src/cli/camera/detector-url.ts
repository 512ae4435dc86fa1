import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { maxDetectorBytes, type Detector } from './detector.js'

/**
 * A detector that is an HTTP endpoint of the user's: each frame is posted there, and a 200 has the JSON object. A user
 * name and password in the address are sent as Basic authentication.
 * @param timeoutMs how long it may take to answer
 */
export function createUrlDetector ({ url, timeoutMs }: { url: URL, timeoutMs: number }): Detector {
  const secure = url.protocol === 'https:'
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 })
  const request = secure ? requestHttps : requestHttp
  return async (jpeg, signal) => {
    const post = request(url, { method: 'POST', agent, signal, headers: { 'Content-Type': 'image/jpeg', 'Content-Length': jpeg.length, Accept: 'application/json' } })
    const timer = setTimeout(() => post.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        post.on('response', resolve).on('error', reject).end(jpeg)
      })
      const text = await readBounded(response)
      if (response.statusCode !== 200) throw new Error(`it answered ${response.statusCode} ${response.statusMessage}: ${text.trim().split('\n')[0]?.slice(0, 200)}`)
      return text
    } finally {
      clearTimeout(timer)
    }
  }
}

async function readBounded (response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let byteCount = 0
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk)
    byteCount += bytes.length
    if (byteCount > maxDetectorBytes) throw new Error(`it said more than ${maxDetectorBytes} bytes`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString()
}
