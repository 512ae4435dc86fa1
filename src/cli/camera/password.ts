import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CameraError } from './camera-error.js'
import { messageOf } from './message-of.js'

/**
 * Finds the camera password: the one given, or the environment's CAMERA_PASSWORD, or the content of the file that
 * CAMERA_PASSWORD_FILE names, or of the file that a server in this folder writes at its first start.
 * @throws CameraError with exit code 2 if there is none or no header could carry it
 */
export async function findPassword (given: string | undefined, env: NodeJS.ProcessEnv): Promise<string> {
  const { CAMERA_PASSWORD: fromEnvironment, CAMERA_PASSWORD_FILE: file, DATA_DIR: dataDir } = env
  const password = given ?? (fromEnvironment || await readPasswordFile(file || join(dataDir || 'data', 'camera_password')))
  if (password === '' || /\p{Cc}/u.test(password)) {
    throw new CameraError('the camera password is empty or has a line break or another control character in it', 2)
  }
  return password
}

async function readPasswordFile (path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    throw new CameraError(`no camera password: set CAMERA_PASSWORD, give --password, or start the server here first (${messageOf(error)})`, 2)
  }
}
