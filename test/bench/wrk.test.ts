import t from 'tap'
import { parseWrk } from '../../bench/wrk.js'

const TEXT = `Running 2s test @ http://127.0.0.1:8080/api/frame
  1 threads and 2 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   102.77us   92.00us   2.53ms   94.31%
    Req/Sec    20.23k     1.47k   22.55k    70.00%
  Latency Distribution
     50%   83.00us
     75%  112.00us
     90%  154.00us
     99%    1.20ms
  40290 requests in 2.00s, 3.80GB read
Requests/sec:  20131.52
Transfer/sec:      1.90GB
`

t.test('figures are taken from what wrk prints', async t => {
  t.strictSame(parseWrk(TEXT), { requestsPerSecond: 20_131.52, latencyP50Ms: 0.083, latencyP99Ms: 1.2, refused: 0 })
})

t.test('refusals and failed connections are counted', async t => {
  t.equal(parseWrk(`${TEXT}  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 100\n`).refused, 110)
})

t.test('anything else is an error', async t => {
  t.throws(() => parseWrk('unable to connect to 127.0.0.1:1 Connection refused'), /unable to connect/)
})
