import { createRequire } from 'node:module'

const manifest: { version: string } = createRequire(import.meta.url)('videostream/package.json')

/** The version in package.json. */
export const version = manifest.version
