import { Type } from '@sinclair/typebox'
import { join } from 'node:path'
import type { ChurnSettings, FleetSettings, SnapshotsSettings, UploaderSettings, ViewersSettings } from './client-reports.js'
import { Child } from './children.js'
import { buildFolder } from './paths.js'
import { compiled } from './tools.js'

/** Starts the uploader. */
export async function startUploader (settings: UploaderSettings): Promise<Child> {
  return await ready(node('uploader', settings))
}

/** Starts many cameras. */
export async function startFleet (settings: FleetSettings): Promise<Child> {
  return await ready(node('fleet', settings))
}

/** Starts viewers: those in C where there is a compiler, since they cost a third of the CPU. */
export async function startViewers (settings: ViewersSettings): Promise<Child> {
  const program = compiled('viewers')
  if (program === undefined) return await ready(node('viewers', settings))
  const { port, path, viewers, slowViewers, slowBytesPerSecond, stoppedViewers, cameras } = settings
  return await ready(new Child('viewers', program, [port, path, viewers, slowViewers, slowBytesPerSecond, stoppedViewers, cameras].map(String)))
}

/** Starts viewers that come and go. */
export async function startChurn (settings: ChurnSettings): Promise<Child> {
  return await ready(node('churn', settings))
}

/** Starts clients that ask for snapshots. */
export async function startSnapshots (settings: SnapshotsSettings): Promise<Child> {
  return await ready(node('snapshots', settings))
}

function node (name: string, settings: unknown): Child {
  return new Child(name, process.execPath, [join(buildFolder, `${name}.js`), JSON.stringify(settings)])
}

async function ready (child: Child): Promise<Child> {
  try {
    await child.answer(Type.Object({ ready: Type.Literal(true) }))
    return child
  } catch (error) {
    await child.end()
    throw error
  }
}
