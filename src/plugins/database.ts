import { join } from 'node:path'
import fp from 'fastify-plugin'
import { DATABASE_FILE } from '../store/folder.js'
import { SqlThread } from '../store/sql-thread.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The thread that speaks SQL, for the repositories. */
    sql: SqlThread
  }
}

/** Opens the database, and closes it after everything that writes to it. */
export default fp(async app => {
  const sql = await SqlThread.open(join(app.dataFolder.path, DATABASE_FILE))
  app.decorate('sql', sql)
  app.addHook('onClose', async () => { await sql.close() })
}, { name: 'database', dependencies: ['data-folder'] })
