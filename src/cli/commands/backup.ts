import { makeBackup, type BackupReport } from '../../store/backup/make-backup.js'
import { version } from '../../version.js'
import { COMMON_HELP, EXIT, historyFolderOf, parseCommand, type Command } from './command.js'
import { countText, sizeText } from './sizes.js'

const WRONG = { missing: 'is not in the data folder', unreadable: 'cannot be read', altered: 'is not as it was received, and was not copied' } as const

/** `videostream backup`. */
export const backup: Command = {
  name: 'backup',
  summary: 'copies the history and its evidence into another folder, while the server runs',
  help: `backup DIR [options]

Copies the database and all evidence into the folder DIR, which is made where there is none, while the server goes on.
The copy is consistent: it is the history of one moment with every file that belongs to it. A second backup into the same
folder copies the database, which is always copied whole, and only the files that are new. Until it is done, the last
backup in DIR stays good. What videostream restore needs is in DIR/backup.json.

  --prune         delete from DIR what retention has deleted from the history; without it such files stay in DIR
  --rehash        read all that is in DIR already and compare its SHA-256, rather than to believe its size, and copy
                  again what has changed
  --with-secrets  copy the camera password and the ledger's private key too: keep DIR where nobody reads it
${COMMON_HELP}

Exit codes: 0 done, 1 done, but of some files there is no good copy to be had: they are listed, 2 called in a wrong way,
3 not done.`,

  async run (args, { terminal, environment }) {
    const { values, positionals: [folder = ''] } = parseCommand(backup, args, {
      prune: { type: 'boolean', default: false },
      rehash: { type: 'boolean', default: false },
      'with-secrets': { type: 'boolean', default: false }
    }, ['DIR'])
    const report = await makeBackup({
      dataFolder: historyFolderOf(values, environment),
      folder,
      appVersion: version,
      nowMs: Date.now(),
      prune: values.prune,
      rehash: values.rehash,
      withSecrets: values['with-secrets']
    })
    terminal.log(values.json ? JSON.stringify(toJson(folder, report)) : toText(folder, report))
    return report.findings.length === 0 ? EXIT.ok : EXIT.finding
  }
}

function toJson (folder: string, { manifest, copied, copiedBytes, unchanged, pruned, former, findings }: BackupReport) {
  return {
    backup: folder,
    made_at: manifest.made_at,
    events: manifest.events,
    database: manifest.database,
    files: { total: manifest.files.count, total_bytes: manifest.files.bytes, copied, copied_bytes: copiedBytes, unchanged, former, pruned },
    secrets: manifest.secrets.map(({ path }) => path),
    ledger_head: manifest.ledger_head,
    findings
  }
}

function toText (folder: string, { manifest, copied, copiedBytes, unchanged, pruned, former, findings }: BackupReport): string {
  const { events, files, database } = manifest
  return [
    `backed up ${countText(events, 'event')} with ${countText(files.count, 'file')} to ${folder}: ` +
      `${copied} copied (${sizeText(copiedBytes)}), ${unchanged} were there; the database has ${sizeText(database.size_bytes)}`,
    ...former > 0 ? [`${countText(former, 'file')} that the history has no more ${former === 1 ? 'stays' : 'stay'} in the backup; --prune deletes them`] : [],
    ...pruned > 0 ? [`${countText(pruned, 'file')} that the history has no more ${pruned === 1 ? 'was' : 'were'} deleted from the backup`] : [],
    ...findings.map(({ path, problem }) => `${problem}: ${path} ${WRONG[problem]}`)
  ].join('\n')
}
