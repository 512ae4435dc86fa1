import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { CameraOptions } from './options.js'

/**
 * Where frames with a spill are kept: the folder of `--spool`, or else one that is named after server and camera in
 * the folder that systemd gives a service (STATE_DIRECTORY), or the user's own for such things (XDG_STATE_HOME).
 * Undefined for the simulated sea, whose spills are not worth a disk.
 */
export function findSpoolPath (
  { spool, file, inbox, server, cameraId }: Pick<CameraOptions, 'spool' | 'file' | 'inbox' | 'server' | 'cameraId'>, env: NodeJS.ProcessEnv
): string | undefined {
  if (spool !== undefined) return resolve(spool)
  if (file === undefined && inbox === undefined) return undefined
  const name = `${server.host}-${cameraId ?? 'default'}`.replace(/[^\w.-]/g, '_')
  const { STATE_DIRECTORY: serviceFolders, XDG_STATE_HOME: userFolder } = env
  const serviceFolder = serviceFolders?.split(':')[0] // it may name several
  if (serviceFolder !== undefined && serviceFolder !== '') return join(serviceFolder, name)
  return join(userFolder || join(homedir(), '.local', 'state'), 'videostream-camera', name)
}
