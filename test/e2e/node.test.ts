import { request } from 'node:http'
import t from 'tap'
import { upload } from '../helper.js'
import { largeJpeg } from './pictures.js'
import { startServerProcess } from './server-process.js'

const TRIES = 10

/** The status that `node:http` gets for an upload with a wrong password, or the code of the error that it fails with. */
async function postWithHttp (url: string, frame: Buffer): Promise<unknown> {
  return await new Promise(resolve => {
    request(`${url}/api/upload_frame`, { method: 'POST', headers: { 'X-Camera-Auth': 'wrong', 'Content-Length': frame.length } })
      .on('response', response => { response.resume().on('end', () => { resolve(response.statusCode) }) })
      .on('error', (error: NodeJS.ErrnoException) => { resolve(error.code) })
      .end(frame)
  })
}

// Node's clients give up at the first reset, so they see at once whether a refusal is closed too early.
t.test('a wrong password is seen as a 401, however large the frame that is not read', async t => {
  const { url } = await startServerProcess(t, { AUTH_FAILURE_LIMIT: '100' })
  const frame = largeJpeg(5_000_000)
  for (let i = 0; i < TRIES; i++) {
    const fetched = await upload(url, { jpeg: frame, password: 'wrong' })
    t.equal(fetched.status, 401, 'by fetch')
    t.match(await fetched.json(), { statusCode: 401 })
    t.equal(await postWithHttp(url, frame), 401, 'by node:http')
  }
})

t.test('a frame that is too large is seen as a 413', async t => {
  const { url } = await startServerProcess(t, { MAX_FRAME_BYTES: '100000' })
  for (let i = 0; i < TRIES; i++) {
    const refused = await upload(url, { jpeg: largeJpeg(5_000_000) })
    t.equal(refused.status, 413)
    t.match(await refused.json(), { statusCode: 413 })
  }
})
