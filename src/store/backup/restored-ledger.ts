import { copyFileSync, existsSync } from 'node:fs'
import { chown, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase } from '../database.js'
import { DATABASE_FILE } from '../folder.js'
import { LEDGER_KEY_FILE, ledgerKeyOf } from '../ledger-key.js'
import { ledgerStatements } from '../ledger-statements.js'
import type { Owner } from './hashed-copy.js'
import type { Manifest } from './manifest.js'

/**
 * Brings a restored database up to date, and has its ledger say that it goes on behind a backup: whatever the ledger
 * said after that backup is lost, and whoever has a later checkpoint sees why. It is signed with the key of the backup,
 * else with the one that the data folder has, else with a new one.
 * @throws StartupError with one line that says what to do
 */
export async function noteRestored (staging: string, dataFolder: string, manifest: Manifest, owner: Owner): Promise<void> {
  const isOwnKey = existsSync(join(staging, LEDGER_KEY_FILE))
  const formerKey = join(dataFolder, LEDGER_KEY_FILE)
  if (!isOwnKey && existsSync(formerKey)) copyFileSync(formerKey, join(staging, LEDGER_KEY_FILE))
  const key = ledgerKeyOf(staging)
  const database = openDatabase(join(staging, DATABASE_FILE))
  try {
    const ledger = ledgerStatements(database)
    database.transaction(() => {
      ledger.checkHead()
      ledger.takeKey(key)
      ledger.append({
        actor: 'command',
        action: 'backup.restored',
        subject: 'server',
        payload: { made_at: manifest.made_at, database_sha256: manifest.database.sha256, list_sha256: manifest.list.sha256 }
      })
      ledger.seal(key)
    }).immediate()
  } finally {
    database.close()
  }
  if (!isOwnKey && existsSync(formerKey)) await rm(join(staging, LEDGER_KEY_FILE))
  if (process.getuid?.() === 0) for (const name of await readdir(staging)) await chown(join(staging, name), owner.uid, owner.gid)
}
