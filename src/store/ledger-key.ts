import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartupError } from '../errors.js'
import { errorCode, toStartupError } from './storage-errors.js'
import { writeWhole } from './whole-file.js'

/** The file of the private key, in the data folder: PKCS #8 as PEM. */
export const LEDGER_KEY_FILE = 'ledger_key.pem'

/** The key that signs the ledger. */
export interface LedgerKey {
  /** The first 16 hexadecimal digits of the SHA-256 of the public key's SPKI form in DER. */
  readonly keyId: string
  /** SPKI as PEM. */
  readonly publicKey: string
  /** Signs the UTF-8 bytes of a text with Ed25519 (RFC 8032). Returns the signature in Base64. */
  sign (text: string): string
}

/**
 * The key in the data folder, made on the first start, readable by the owner only.
 * @throws StartupError where it cannot be read or written, or is not an Ed25519 key
 */
export function ledgerKeyOf (folder: string): LedgerKey {
  const path = join(folder, LEDGER_KEY_FILE)
  try {
    const privateKey = createPrivateKey(readOrMake(path))
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new StartupError(`${path} is not an Ed25519 key`)
    const publicKey = createPublicKey(privateKey)
    return {
      keyId: createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 16),
      publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      sign: text => sign(null, Buffer.from(text), privateKey).toString('base64')
    }
  } catch (error) {
    if (errorCode(error).startsWith('ERR_OSSL')) throw new StartupError(`${path} is not a private key; restore it from a backup, or delete it to have a new one made`)
    throw toStartupError(error, path)
  }
}

function readOrMake (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    writeWhole(path, pem)
    return pem
  }
}
