import { events } from './0001-events.js'
import { cameras } from './0002-cameras.js'
import { people } from './0003-people.js'

/** Every change of the schema, oldest first. A database's `user_version` is the number of those it has had. */
export const MIGRATIONS: readonly string[] = [events, cameras, people]
