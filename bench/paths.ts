import { join } from 'node:path'

/** The folder of package.json, seen from .build/bench. */
export const projectRoot = join(import.meta.dirname, '..', '..')

/** Where compiled programs of the benchmark lie. */
export const buildFolder = import.meta.dirname
