import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { maxDetectorBytes, type Detector } from './detector.js'
import { messageOf } from './message-of.js'

/**
 * A detector that is a command of the user's: run by the shell for each frame, the JPEG on its standard input, one JSON
 * object on its standard output, exit code 0.
 * @param timeoutMs how long it may run before it is killed, with all that it started
 */
export function createCommandDetector ({ command, timeoutMs }: { command: string, timeoutMs: number }): Detector {
  return async (jpeg, signal) => {
    signal.throwIfAborted()
    // In a process group of its own, so that what the shell started can be killed with it.
    const child = spawn(command, { shell: true, detached: process.platform !== 'win32', stdio: ['pipe', 'pipe', 'pipe'] })
    let failure: string | undefined
    const end = (reason: string): void => {
      failure ??= reason
      killAll(child)
    }
    const abort = (): void => end('the program ends')
    const timer = setTimeout(() => end(`no answer within ${timeoutMs / 1000} s`), timeoutMs)
    signal.addEventListener('abort', abort, { once: true })
    const output: Buffer[] = []
    let byteCount = 0
    child.stdout.on('data', (chunk: Buffer) => {
      byteCount += chunk.length
      if (byteCount > maxDetectorBytes) end(`it said more than ${maxDetectorBytes} bytes`)
      else output.push(chunk)
    })
    let words = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => { words = (words + chunk).slice(-2000) })
    child.stdin.on('error', () => {}) // it need not read the picture to its end
    child.stdin.end(jpeg)
    try {
      const [code, killedBy] = await once(child, 'close')
      if (failure !== undefined) throw new Error(failure)
      if (code !== 0) throw new Error(`${code === null ? String(killedBy) : `exit code ${String(code)}`}: ${words.trim().split('\n').at(-1)?.slice(0, 200)}`)
      return Buffer.concat(output).toString()
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }
}

function killAll (child: ChildProcess): void {
  try {
    if (process.platform === 'win32' || child.pid === undefined) child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    messageOf(error) // it has ended by itself
  }
}
