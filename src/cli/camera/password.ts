import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CameraError } from './camera-error.js'
import { messageOf } from './message-of.js'

/**
 * Finds the camera's key: the one given, or the environment's CAMERA_KEY, or the content of the file that
 * CAMERA_KEY_FILE names, or the same of CAMERA_PASSWORD, as the key of the camera `default` is called, or the file that
 * a server in this folder writes at its first start.
 * @throws CameraError with exit code 2 if there is none or no header could carry it
 */
export async function findPassword (given: string | undefined, env: NodeJS.ProcessEnv): Promise<string> {
  const password = given ?? await fromEnvironment(env)
  if (password === '' || /\p{Cc}/u.test(password)) {
    throw new CameraError('the camera key is empty or has a line break or another control character in it', 2)
  }
  return password
}

async function fromEnvironment (env: NodeJS.ProcessEnv): Promise<string> {
  const { CAMERA_KEY: key, CAMERA_KEY_FILE: keyFile, CAMERA_PASSWORD: password, CAMERA_PASSWORD_FILE: passwordFile, DATA_DIR: dataDir } = env
  return key || (keyFile && await readPasswordFile(keyFile)) ||
    password || await readPasswordFile(passwordFile || join(dataDir || 'data', 'camera_password'))
}

async function readPasswordFile (path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    throw new CameraError(`no camera key: set CAMERA_KEY, CAMERA_KEY_FILE or CAMERA_PASSWORD, give --key, or start the server here first (${messageOf(error)})`, 2)
  }
}
