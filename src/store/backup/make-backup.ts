import { existsSync } from 'node:fs'
import { mkdir, readdir, realpath, rename, rm, unlink } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { formatDatetime } from '../../core/time-format.js'
import { StartupError } from '../../errors.js'
import { claimFile } from '../data-folder.js'
import { makeFolders } from '../folder.js'
import { errorCode, isDiskFull } from '../storage-errors.js'
import type { HistoryFacts } from './database-copy.js'
import { EvidenceCopier, type FileFinding } from './evidence-copier.js'
import { copyHashed, SourceUnreadable } from './hashed-copy.js'
import { MANIFEST_FILE, markUnfinished, readManifest, SECRET_FILES, writeManifest, type BackedUpFile, type Manifest } from './manifest.js'
import { makePass, type Pass } from './pass.js'

const LOCK_FILE = 'backup.lock'
const PARTS_FOLDER = '.parts'
/** What a folder may have and still counts as empty: what the first backup makes before its manifest. */
const NOTHING = [LOCK_FILE, `${LOCK_FILE}-journal`, `${MANIFEST_FILE}.part`, 'lost+found']
/** A file may go by retention after the database was copied; then both are looked at again. */
const MAX_PASSES = 4

/** What is backed up, where to, and how. */
export interface BackupSettings {
  readonly dataFolder: string
  readonly folder: string
  readonly appVersion: string
  readonly nowMs: number
  /** Whether what retention has deleted is deleted from the backup too. */
  readonly prune: boolean
  /** Whether to read what is in the backup already, rather than to believe its size. */
  readonly rehash: boolean
  /** Whether the camera password and the ledger's key go with it. */
  readonly withSecrets: boolean
}

/** What a backup did. */
export interface BackupReport {
  readonly manifest: Manifest
  readonly copied: number
  readonly copiedBytes: number
  /** In the backup from before, and not copied again. */
  readonly unchanged: number
  /** Deleted from the backup, since retention has deleted them. */
  readonly pruned: number
  /** Deleted by retention, and still in the backup. */
  readonly former: number
  /** Files of which there is no good copy to be had. */
  readonly findings: readonly FileFinding[]
}

/**
 * Copies the history and its evidence into a folder, while a server goes on. The database comes first, then the files
 * that this copy of it names: files are written before their rows, and never changed, except that clips grow, of which
 * as much is copied as the database says. Until the new manifest takes the place of the last one, with everything
 * flushed, the last backup in the folder is whole; what an interrupted one has copied is used by the next.
 * @throws StartupError with one line that says what to do
 */
export async function makeBackup (settings: BackupSettings): Promise<BackupReport> {
  const { folder } = settings
  try {
    await prepareFolder(settings)
    const lock = claimFile(join(folder, LOCK_FILE), `another backup into ${folder} is under way; wait for its end`)
    try {
      if (!existsSync(join(folder, MANIFEST_FILE))) markUnfinished(folder)
      return await new Backup(settings, lastOf(folder)).run()
    } finally {
      await rm(join(folder, PARTS_FOLDER), { recursive: true, force: true })
      lock.release()
    }
  } catch (error) {
    if (errorCode(error).startsWith('SQLITE_') && !isDiskFull(error)) {
      throw new StartupError(`the database cannot be copied to ${folder}: ${error instanceof Error ? error.message : ''} (${errorCode(error)})`)
    }
    if (!isDiskFull(error)) throw error
    const last = lastOf(folder)
    const left = last === undefined ? 'there is no whole backup in it yet' : `the backup of ${last.made_at} in it is still good`
    throw new StartupError(`no room is left on the disk of ${folder}; ${left}: make room and start again`)
  }
}

/** Refuses folders that are not for backups, and makes a new one. */
async function prepareFolder ({ folder, dataFolder }: BackupSettings): Promise<void> {
  makeTarget(folder)
  const [target, source] = [await realpath(folder) + sep, await realpath(dataFolder) + sep]
  if (target.startsWith(source) || source.startsWith(target)) {
    throw new StartupError(`${folder} and the data folder ${dataFolder} lie in one another: back up to another folder, best on another disk`)
  }
  const names = await readdir(folder)
  if (names.length > 0 && readManifest(folder) === undefined && !names.every(name => NOTHING.includes(name))) {
    throw new StartupError(`${folder} is not empty, and not a backup: name a new or an empty folder`)
  }
}

function makeTarget (folder: string): void {
  try {
    makeFolders(folder, 0o700)
  } catch (error) {
    if (isDiskFull(error)) throw error
    const code = errorCode(error)
    if (code === 'EEXIST' || code === 'ENOTDIR') throw new StartupError(`${folder} cannot be a folder: there is a file in its place, or in that of a folder above it (${code}); name another one`)
    throw new StartupError(`${folder} cannot be made (${code}); name another folder, or correct the permissions`)
  }
}

function lastOf (folder: string): Manifest | undefined {
  const manifest = readManifest(folder)
  return manifest === 'unfinished' ? undefined : manifest
}

/** One run. */
class Backup {
  readonly #settings: BackupSettings
  readonly #last: Manifest | undefined
  readonly #partsFolder: string
  readonly #copier: EvidenceCopier

  constructor (settings: BackupSettings, last: Manifest | undefined) {
    this.#settings = settings
    this.#last = last
    this.#partsFolder = join(settings.folder, PARTS_FOLDER)
    this.#copier = new EvidenceCopier({ ...settings, partsFolder: this.#partsFolder })
  }

  async run (): Promise<BackupReport> {
    const { folder, prune } = this.#settings
    await rm(this.#partsFolder, { recursive: true, force: true })
    await mkdir(this.#partsFolder, { mode: 0o700 })
    await this.#removeOthers(this.#last)
    const pass = await this.#passes()
    await this.#copier.flush()
    const secrets = await this.#copySecrets()
    for (const { path } of [pass.database, pass.list, ...secrets]) await rename(join(this.#partsFolder, path), join(folder, path))
    const manifest = this.#manifest(pass, secrets)
    writeManifest(folder, manifest)
    await this.#removeOthers(manifest)
    if (prune) for (const path of pass.former) await unlink(join(folder, path))
    const { copied, copiedBytes } = this.#copier
    const [pruned, former] = prune ? [pass.former.length, 0] : [0, pass.former.length]
    return { manifest, copied, copiedBytes, unchanged: Math.max(0, pass.files.count - copied), pruned, former, findings: pass.findings }
  }

  /** Until no file is missing, or as many are missing still. */
  async #passes (): Promise<Pass> {
    const { dataFolder, folder, nowMs } = this.#settings
    const stamp = new Date(nowMs).toISOString().replace(/[-:.Z]/g, '').replace('T', '_')
    const pass = async (nth: number, lastList: string | undefined): Promise<Pass> => await makePass({
      dataFolder, folder, partsFolder: this.#partsFolder, name: `${stamp}-${nth}`, lastList, copier: this.#copier, onFacts: facts => { this.#refuseOther(facts) }
    })
    let newest = await pass(1, this.#last === undefined ? undefined : join(folder, this.#last.list.path))
    for (let nth = 2; nth <= MAX_PASSES && newest.findings.some(({ problem }) => problem === 'missing'); nth += 1) {
      const before = newest.findings.length
      newest = await pass(nth, join(this.#partsFolder, newest.list.path))
      if (newest.findings.length === before) break
    }
    return newest
  }

  #refuseOther ({ historyId }: HistoryFacts): void {
    const { folder } = this.#settings
    if (this.#last === undefined || this.#last.history_id === null || historyId === null || historyId === this.#last.history_id) return
    throw new StartupError(`${folder} has the backup of another history: name a folder for this one`)
  }

  async #copySecrets (): Promise<BackedUpFile[]> {
    const { dataFolder, withSecrets } = this.#settings
    const files: BackedUpFile[] = []
    for (const path of withSecrets ? SECRET_FILES : []) {
      try {
        const { sizeBytes, sha256 } = await copyHashed(join(dataFolder, path), join(this.#partsFolder, path), Infinity, { mode: 0o600 })
        files.push({ path, size_bytes: sizeBytes, sha256 })
      } catch (error) {
        // The camera password may come from elsewhere.
        if (!(error instanceof SourceUnreadable) || error.problem !== 'missing') throw error
      }
    }
    return files
  }

  #manifest ({ facts, database, list, files }: Pass, secrets: BackedUpFile[]): Manifest {
    return {
      format: 'videostream-backup',
      format_version: 1,
      state: 'complete',
      made_at: formatDatetime(this.#settings.nowMs),
      app_version: this.#settings.appVersion,
      schema_version: facts.schemaVersion,
      history_id: facts.historyId,
      events: facts.events,
      database,
      list,
      files,
      secrets,
      ledger_head: facts.head
    }
  }

  /** Removes what backups before or after a manifest have left beside its own. */
  async #removeOthers (manifest: Manifest | undefined): Promise<void> {
    const { folder } = this.#settings
    const own: string[] = manifest === undefined ? [] : [manifest.database, manifest.list, ...manifest.secrets].map(({ path }) => path)
    const isOurs = (name: string): boolean => /^(history-.*\.db|files-.*\.ndjson)$/.test(name) || SECRET_FILES.some(each => each === name)
    for (const name of await readdir(folder)) if (isOurs(name) && !own.includes(name)) await unlink(join(folder, name))
  }
}
