import { restoreBackup, type RestoreReport } from '../../store/backup/restore.js'
import { COMMON_HELP, dataFolderOf, EXIT, parseCommand, type Command } from './command.js'
import { countText, sizeText } from './sizes.js'

const WRONG = { missing: 'is not in the backup', unreadable: 'cannot be read', altered: 'is not as it was backed up' } as const

/** `videostream restore`. */
export const restore: Command = {
  name: 'restore',
  summary: 'makes a data folder of a backup',
  help: `restore DIR [options]

Makes a data folder of the backup in DIR. Everything is copied and compared with its SHA-256 before anything in the data
folder is touched; where something is wrong with the backup, nothing is restored and each wrong file is named. The server
must not be running on that data folder. The ledger notes that it goes on behind a backup.

  --replace       where the data folder is not empty: move what is in it into a folder before_restore_... in it. Without
                  this it is refused. The camera password and the ledger's key stay where they are, unless the backup
                  has them
  --skip-damaged  restore all that is good, without the files that are missing or altered; the database must be good
  --dry-run       only check the backup
${COMMON_HELP}

Exit codes: 0 restored (with --dry-run: the backup is good), 1 something is wrong with the backup, 2 called in a wrong
way, 3 not done.`,

  async run (args, { terminal, environment }) {
    const { values, positionals: [folder = ''] } = parseCommand(restore, args, {
      replace: { type: 'boolean', default: false },
      'skip-damaged': { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false }
    }, ['DIR'])
    const dataFolder = dataFolderOf(values, environment)
    const isDryRun = values['dry-run']
    const report = await restoreBackup({
      folder, dataFolder, nowMs: Date.now(), replace: values.replace, skipDamaged: values['skip-damaged'], dryRun: isDryRun
    })
    terminal.log(values.json ? JSON.stringify(toJson(folder, dataFolder, report)) : toText(folder, dataFolder, report, isDryRun))
    return report.findings.length === 0 ? EXIT.ok : EXIT.finding
  }
}

function toJson (folder: string, dataFolder: string, { manifest, restored, files, bytes, findings, movedAside, secrets }: RestoreReport) {
  return {
    backup: folder,
    made_at: manifest.made_at,
    restored,
    data_dir: dataFolder,
    events: manifest.events,
    files: { total: manifest.files.count, good: files, good_bytes: bytes },
    secrets,
    moved_aside: movedAside ?? null,
    findings
  }
}

function toText (folder: string, dataFolder: string, report: RestoreReport, isDryRun: boolean): string {
  const { manifest, restored, files, bytes, findings, movedAside, secrets } = report
  const what = `${countText(manifest.events, 'event')} with ${countText(files, 'file')} (${sizeText(bytes)}), as of ${manifest.made_at}`
  const lines = findings.map(({ path, problem }) => `${problem}: ${path} ${WRONG[problem]}`)
  if (restored) {
    lines.push(`restored ${what}, from ${folder} to ${dataFolder}`)
    if (movedAside !== undefined) lines.push(`what was in ${dataFolder} is in ${dataFolder}/${movedAside}`)
    if (secrets.length === 0) lines.push('the backup has no secrets: the ledger goes on with the key of the data folder, else with a new one, and the camera password is that of the settings or of the data folder, else a new one')
  } else if (isDryRun) {
    lines.push(findings.length === 0 ? `the backup in ${folder} is good: ${what}` : `the backup in ${folder} is damaged`)
  } else {
    lines.push(`nothing was restored: the backup in ${folder} is damaged${report.isDatabaseWhole ? '; --skip-damaged restores the rest' : ''}`)
  }
  return lines.join('\n')
}
