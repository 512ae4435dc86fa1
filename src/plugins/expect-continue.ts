import fp from 'fastify-plugin'

/**
 * Grants `Expect: 100-continue` only when a body is about to be read, after password and limits: Node would grant it
 * before anybody looked, and a refused client would send its whole frame for nothing.
 */
export default fp(async app => {
  // What else a client may expect is no reason to refuse it (RFC 9110, section 10.1.1), as Node would, with no body.
  for (const event of ['checkContinue', 'checkExpectation']) {
    app.server.on(event, (request, response) => app.server.emit('request', request, response))
  }
  app.addHook('preParsing', (request, reply, _payload, done) => {
    if (request.headers.expect?.toLowerCase() === '100-continue') reply.raw.writeContinue()
    done()
  })
}, { name: 'expect-continue' })
