import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from '../database.js'
import { DATABASE_FILE } from '../folder.js'
import { copyDatabase, factsOf, openCopy, type HistoryFacts } from './database-copy.js'
import type { EvidenceCopier, FileFinding } from './evidence-copier.js'
import { neededByHistory, unclaimedFiles, type NeededFile } from './evidence-rows.js'
import { ListReader, ListWriter, readList, type ListedFile } from './file-list.js'
import { hashFile } from './hashed-copy.js'
import type { BackedUpFile } from './manifest.js'

/** Files that are copied at once. */
const BATCH = 16

/** From where to where, and what is there. */
export interface PassSettings {
  readonly dataFolder: string
  /** Of the backup. */
  readonly folder: string
  /** Where the database and the list are written. */
  readonly partsFolder: string
  /** What sets the names of both apart from those of other backups. */
  readonly name: string
  /** The list of the last backup; undefined where there is none. */
  readonly lastList: string | undefined
  readonly copier: EvidenceCopier
  /** Looks at the copied database before any file is copied. */
  readonly onFacts: (facts: HistoryFacts) => void
}

/** What a pass brought. */
export interface Pass {
  readonly facts: HistoryFacts
  readonly database: BackedUpFile
  readonly list: BackedUpFile
  /** What is listed, without `former`. */
  readonly files: { readonly count: number, readonly bytes: number }
  /** Files of the last list that the history does not have any more. */
  readonly former: readonly string[]
  readonly findings: readonly FileFinding[]
}

/** Copies the database, then every file that the copy names. Rejects with the error of SQLite or of the file system. */
export async function makePass (settings: PassSettings): Promise<Pass> {
  const { dataFolder, partsFolder, name } = settings
  const [database, list] = [`history-${name}.db`, `files-${name}.ndjson`]
  const databasePath = join(partsFolder, database)
  await copyDatabase(join(dataFolder, DATABASE_FILE), databasePath)
  const copy = openCopy(databasePath)
  try {
    const facts = factsOf(copy)
    settings.onFacts(facts)
    const { written, ...evidence } = await takeEvidence(copy, join(partsFolder, list), settings)
    const { sizeBytes, sha256 } = await hashFile(databasePath)
    return { ...evidence, facts, database: { path: database, size_bytes: sizeBytes, sha256 }, list: { path: list, ...written } }
  } finally {
    copy.close()
  }
}

async function takeEvidence (copy: Connection, listPath: string, settings: PassSettings) {
  const { dataFolder, folder, lastList, copier } = settings
  const reader = new ListReader(lastList === undefined ? nothing() : readList(lastList))
  const files = { count: 0, bytes: 0 }
  const [former, findings]: [string[], FileFinding[]] = [[], []]
  const keepFormer = (passed: readonly ListedFile[]): ListedFile[] => {
    const kept = passed.filter(({ path }) => existsSync(join(folder, path))).map(file => ({ ...file, former: true }))
    former.push(...kept.map(({ path }) => path))
    return kept
  }
  const writer = await ListWriter.open(listPath)
  try {
    for await (const batch of batchesOf(copy, dataFolder)) {
      const lines: Array<Promise<ListedFile | FileFinding>> = []
      for (const needed of batch) {
        const { found, passed } = await reader.upTo(needed.path)
        lines.push(...keepFormer(passed).map(async file => file), copier.take(needed, found))
      }
      const listed: ListedFile[] = []
      for (const line of await Promise.all(lines)) {
        if ('problem' in line) findings.push(line)
        else listed.push(line)
      }
      const current = listed.filter(each => each.former !== true)
      files.count += current.length
      files.bytes += current.reduce((sum, { size_bytes: bytes }) => sum + bytes, 0)
      await writer.add(listed)
    }
    await writer.add(keepFormer((await reader.upTo(undefined)).passed))
    return { written: await writer.close(), files, former, findings }
  } catch (error) {
    await writer.abandon()
    throw error
  }
}

/** What the history needs and what no event claims, ordered by path. */
async function * batchesOf (copy: Connection, dataFolder: string): AsyncGenerator<NeededFile[], void, undefined> {
  let batch: NeededFile[] = []
  for (const file of neededByHistory(copy)) {
    batch.push(file)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  // Their folder comes behind the one of evidence.
  yield [...batch, ...await unclaimedFiles(dataFolder)]
}

async function * nothing (): AsyncGenerator<ListedFile, void, undefined> {}
