import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { formatTimestamp } from '../../core/time-format.js'
import { StartupError } from '../../errors.js'
import { claimDataFolder, COPIES_FOLDER, LOCK_FILE, RESTORING_FOLDER } from '../data-folder.js'
import { DATABASE_FILE, flushFolder } from '../folder.js'
import { isDiskFull } from '../storage-errors.js'
import { readManifest, SECRET_FILES, type Manifest } from './manifest.js'
import { noteRestored } from './restored-ledger.js'
import { RestoreCopy, type RestoreFinding } from './restore-copy.js'

/** What a data folder may have and still counts as empty. */
const NOTHING = [LOCK_FILE, `${LOCK_FILE}-journal`, COPIES_FOLDER, RESTORING_FOLDER, '.gitkeep', 'lost+found']

/** What is restored, where to, and how. */
export interface RestoreSettings {
  /** Of the backup. */
  readonly folder: string
  readonly dataFolder: string
  readonly nowMs: number
  /** Whether what is in the data folder may be moved aside. */
  readonly replace: boolean
  /** Whether to restore without the files that are missing or damaged in the backup. */
  readonly skipDamaged: boolean
  /** Whether only to check the backup. */
  readonly dryRun: boolean
}

/** What a restore did. */
export interface RestoreReport {
  readonly manifest: Manifest
  readonly restored: boolean
  /** Whether database and list are as they were backed up: without them nothing can be restored. */
  readonly isDatabaseWhole: boolean
  /** Files of evidence that are as they were backed up. */
  readonly files: number
  readonly bytes: number
  /** What is wrong with the backup. */
  readonly findings: readonly RestoreFinding[]
  /** Where the former content of the data folder is now; undefined where there was none. */
  readonly movedAside: string | undefined
  /** Secrets that the backup had. */
  readonly secrets: readonly string[]
}

/**
 * Makes a data folder of a backup. Everything is copied beside, with its hashes compared, and flushed, before anything
 * in the data folder is touched; nothing in it is deleted.
 * @throws StartupError with one line that says what to do
 */
export async function restoreBackup (settings: RestoreSettings): Promise<RestoreReport> {
  const { folder, dataFolder, dryRun } = settings
  const manifest = wholeManifest(folder)
  if (dryRun) return await new RestoreCopy(folder, manifest, undefined, undefined).run().then(copied => ({ ...copied, manifest, restored: false, movedAside: undefined }))
  await refuseFullFolder(settings)
  const lock = claimDataFolder(dataFolder)
  try {
    return await restoreInto(settings, manifest)
  } catch (error) {
    if (isDiskFull(error)) throw new StartupError(`no room is left on the disk of ${dataFolder}; nothing was restored: make room and start again`)
    throw error
  } finally {
    lock.release()
  }
}

function wholeManifest (folder: string): Manifest {
  const manifest = readManifest(folder)
  if (manifest === undefined) throw new StartupError(`there is no backup in ${folder}`)
  if (manifest === 'unfinished') throw new StartupError(`the backup in ${folder} was never finished: use another one`)
  return manifest
}

async function refuseFullFolder ({ dataFolder, replace }: RestoreSettings): Promise<void> {
  if (existsSync(dataFolder) && !(await stat(dataFolder)).isDirectory()) throw new StartupError(`${dataFolder} is a file: name a folder with --data-dir`)
  const names = existsSync(dataFolder) ? await readdir(dataFolder) : []
  if (replace || names.every(name => NOTHING.includes(name))) return
  throw new StartupError(`${dataFolder} is not empty: name another folder with --data-dir, or have what is in it moved aside with --replace`)
}

async function restoreInto ({ folder, dataFolder, nowMs, skipDamaged }: RestoreSettings, manifest: Manifest): Promise<RestoreReport> {
  const [staging, ready] = [join(dataFolder, COPIES_FOLDER), join(dataFolder, RESTORING_FOLDER)]
  for (const folder of [staging, ready]) await rm(folder, { recursive: true, force: true })
  await mkdir(staging, { mode: 0o700 })
  try {
    const { uid, gid } = await stat(dataFolder)
    const copied = await new RestoreCopy(folder, manifest, staging, process.getuid?.() === 0 ? { uid, gid } : undefined).run()
    const isFit = copied.isDatabaseWhole && (skipDamaged || copied.findings.length === 0)
    if (!isFit) return { ...copied, manifest, restored: false, movedAside: undefined }
    await noteRestored(staging, dataFolder, manifest, { uid, gid })
    await rename(staging, ready)
    const movedAside = await moveAside(dataFolder, `before_restore_${formatTimestamp(nowMs)}`, copied.secrets)
    await moveIn(ready, dataFolder)
    return { ...copied, manifest, restored: true, movedAside }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** The database goes first, so that a server refuses to start with half of what there was. Secrets stay, unless the backup has its own. */
async function moveAside (dataFolder: string, name: string, secrets: readonly string[]): Promise<string | undefined> {
  const stays = [...NOTHING, ...SECRET_FILES.filter(each => !secrets.includes(each))]
  const names = (await readdir(dataFolder)).filter(each => !stays.includes(each) && !each.startsWith('before_restore_'))
  if (names.length === 0) return undefined
  let folder = join(dataFolder, name)
  for (let nth = 2; existsSync(folder); nth += 1) folder = join(dataFolder, `${name}-${nth}`)
  await mkdir(folder, { mode: 0o700 })
  names.sort((a, b) => Number(b === DATABASE_FILE) - Number(a === DATABASE_FILE))
  for (const each of names) await rename(join(dataFolder, each), join(folder, each))
  await flushFolder(folder)
  await flushFolder(dataFolder)
  return basename(folder)
}

/** The database comes last. */
async function moveIn (ready: string, dataFolder: string): Promise<void> {
  const names = await readdir(ready)
  names.sort((a, b) => Number(a === DATABASE_FILE) - Number(b === DATABASE_FILE))
  for (const each of names) await rename(join(ready, each), join(dataFolder, each))
  await flushFolder(dataFolder)
  await rmdir(ready)
  await flushFolder(dataFolder)
}
