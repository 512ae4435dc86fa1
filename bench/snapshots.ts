import { connect } from 'node:net'
import { AnswerReader } from './answer-reader.js'
import { SnapshotsSettings, type SnapshotsReport } from './client-reports.js'
import { ownCpuSeconds, readSettings, serveRunner } from './line-protocol.js'
import { monotonicNs } from './stamp.js'
import { quantile, Samples } from './statistics.js'

/** Asks for one picture after the other over keep-alive connections. Used where wrk is not installed. */

const settings = readSettings(SnapshotsSettings)
const sharedBuffer = Buffer.allocUnsafeSlow(512 * 1024)
const latenciesMs = new Samples()
let answers = 0
let refused = 0
let bytes = 0
let beganNs = monotonicNs()
let cpuSecondsBefore = ownCpuSeconds()

const headers = { Host: `127.0.0.1:${settings.port}`, ...settings.headers }
const request = `GET ${settings.path} HTTP/1.1\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`

function open (): void {
  let askedAtNs = 0
  const ask = (): void => {
    askedAtNs = monotonicNs()
    socket.write(request, 'latin1')
  }
  const reader = new AnswerReader(status => {
    answers += 1
    if (status !== 304 && (status < 200 || status > 299)) refused += 1
    latenciesMs.add((monotonicNs() - askedAtNs) / 1e6)
    ask()
  })
  const socket = connect({
    port: settings.port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: sharedBuffer,
      callback: (count, read) => {
        bytes += count
        reader.push(Buffer.from(read.buffer, read.byteOffset, count))
        return true
      }
    }
  })
  socket.on('connect', ask)
  socket.on('error', () => {})
  socket.on('close', () => { setTimeout(open, 10) })
}

for (let i = 0; i < settings.connections; i++) open()
serveRunner({
  begin: () => {
    answers = refused = bytes = 0
    latenciesMs.clear()
    cpuSecondsBefore = ownCpuSeconds()
    beganNs = monotonicNs()
  },
  report: (): SnapshotsReport => {
    const latencyP50Ms = quantile(latenciesMs.values, 0.5)
    const latencyP99Ms = quantile(latenciesMs.values, 0.99)
    return {
      seconds: (monotonicNs() - beganNs) / 1e9,
      answers,
      bytes,
      ...latencyP50Ms !== undefined && { latencyP50Ms },
      ...latencyP99Ms !== undefined && { latencyP99Ms },
      refused,
      cpuSeconds: ownCpuSeconds() - cpuSecondsBefore
    }
  }
})
