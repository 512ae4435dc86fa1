import type { Socket } from 'node:net'
import type { Credentials } from '../outbound/credentials.js'
import { bytesOf, headerOf, RtspSplitter, withHeader, type RtspMessage } from './rtsp-messages.js'
import { SourceFailed } from './source-failed.js'

/** A request that has no answer yet. */
interface Pending {
  readonly request: RtspMessage
  /** The number that ffmpeg gave it. */
  readonly clientNumber: string | undefined
  readonly isSecondTry: boolean
}

/** Between whom an `RtspRelay` stands. */
export interface RtspRelayOptions {
  /** ffmpeg's connection. */
  readonly client: Socket
  readonly camera: Socket
  /** What ffmpeg thinks that it reads. */
  readonly localUrl: string
  /** What it reads: the address without user name and password. */
  readonly cameraUrl: string
  readonly credentials: Credentials | undefined
}

/**
 * Stands between ffmpeg and a camera, for what ffmpeg alone cannot be trusted with: it would follow a redirect to any
 * address (which ends the connection here), and its arguments, which every user of the machine can list, would hold the
 * camera's address and password. So ffmpeg asks for an address of the loopback, and the relay puts in the camera's,
 * numbers the requests anew and answers the camera's 401.
 */
export class RtspRelay {
  readonly #options: RtspRelayOptions
  readonly #pending = new Map<string, Pending>()
  #number = 0
  #failure: SourceFailed | undefined
  #refusal: string | undefined

  constructor (options: RtspRelayOptions) {
    this.#options = options
  }

  /** Relays until either side ends the connection, and ends the other's. Never throws: see `failure`. */
  async run (): Promise<void> {
    const { client, camera } = this.#options
    const toCamera = new RtspSplitter(bytes => { camera.write(bytes) }, message => { this.#fromClient(message) })
    const toClient = new RtspSplitter(bytes => { client.write(bytes) }, message => { this.#fromCamera(message) })
    await Promise.all([this.#pump(client, camera, toCamera), this.#pump(camera, client, toClient)])
  }

  /** Why the camera gives no pictures, where the relay saw it. */
  get failure (): SourceFailed | undefined {
    return this.#failure ?? (this.#refusal === undefined ? undefined : new SourceFailed(this.#refusal))
  }

  async #pump (from: Socket, to: Socket, splitter: RtspSplitter): Promise<void> {
    try {
      for await (const chunk of from) {
        if (Buffer.isBuffer(chunk)) splitter.push(chunk)
        if (to.writableNeedDrain) await Promise.race([drained(to), closed(to)])
      }
    } catch (error) {
      if (error instanceof SourceFailed) this.#failure ??= error
    } finally {
      // What has been written still goes out.
      to.destroySoon()
      from.destroySoon()
    }
  }

  #fail (reason: string, needsHelp: boolean): never {
    throw new SourceFailed(reason, { needsHelp })
  }

  #fromClient (message: RtspMessage): void {
    const { localUrl, cameraUrl, camera } = this.#options
    const [method = '', uri = '', version = ''] = message.startLine.split(' ')
    if (method.startsWith('RTSP/')) {
      camera.write(bytesOf(message)) // an answer to a request of the camera's
      return
    }
    // Whoever else found the port does not know the address.
    if (this.#number === 0 && !uri.startsWith(localUrl)) this.#fail('somebody else took the place of ffmpeg', false)
    const cameraUri = uri.startsWith(localUrl) ? cameraUrl + uri.slice(localUrl.length) : uri
    const request = { ...message, startLine: `${method} ${cameraUri} ${version}` }
    this.#send({ request, clientNumber: headerOf(message, 'cseq'), isSecondTry: false })
  }

  #send (pending: Pending): void {
    const { camera, credentials } = this.#options
    const [method = '', uri = ''] = pending.request.startLine.split(' ')
    const number = String(++this.#number)
    this.#pending.set(number, pending)
    const authorized = withHeader(pending.request, 'Authorization', credentials?.authorize(method, uri))
    camera.write(bytesOf(withHeader(authorized, 'CSeq', number)))
  }

  #fromCamera (message: RtspMessage): void {
    const [, status = '', words = ''] = /^RTSP\/\S+ (\d{3}) ?(.*)$/.exec(message.startLine) ?? []
    if (status === '') {
      if (message.startLine.startsWith('REDIRECT ')) this.#failRedirected('')
      this.#options.client.write(bytesOf(message)) // a request of the camera's
      return
    }
    const pending = this.#takePending(headerOf(message, 'cseq'))
    const method = pending?.request.startLine.split(' ', 1)[0] ?? 'a request'
    if (status.startsWith('3')) this.#failRedirected(` (${status})`)
    if (status === '401') {
      this.#logIn(message, pending)
      return
    }
    if (/^[45]/.test(status) && /^(DESCRIBE|SETUP|PLAY)$/.test(method)) this.#refusal = `the camera answers ${method} with ${status} ${words.slice(0, 100)}`.trim()
    this.#options.client.write(bytesOf(withHeader(message, 'CSeq', pending?.clientNumber)))
  }

  #failRedirected (status: string): never {
    this.#fail(`the camera redirects to another address${status}, which is not followed: give the address that it leads to`, true)
  }

  /** Some cameras leave the number out: they answer in turn. */
  #takePending (number: string | undefined): Pending | undefined {
    const key = number !== undefined && this.#pending.has(number) ? number : this.#pending.keys().next().value
    if (key === undefined) return undefined
    const pending = this.#pending.get(key)
    this.#pending.delete(key)
    return pending
  }

  #logIn (message: RtspMessage, pending: Pending | undefined): void {
    const { credentials } = this.#options
    if (credentials === undefined) this.#fail('the camera asks for a password: put the user name and password into the address', true)
    if (pending === undefined || pending.isSecondTry || !credentials.challenge(headerOf(message, 'www-authenticate') ?? '')) {
      this.#fail('the camera does not accept the user name and password: check them in the address', true)
    }
    this.#send({ ...pending, isSecondTry: true })
  }
}

async function drained (socket: Socket): Promise<void> {
  await new Promise<void>(resolve => { socket.once('drain', resolve) })
}

async function closed (socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>(resolve => { socket.once('close', resolve) })
}
