import type { Connection } from '../database.js'
import { events } from './0001-events.js'
import { cameras } from './0002-cameras.js'
import { people } from './0003-people.js'
import { evidence } from './0004-evidence.js'
import { ledger } from './0005-ledger.js'
import { reviews } from './0006-reviews.js'
import { retention } from './0007-retention.js'
import { history } from './0008-history.js'
import { thumbnails } from './0009-thumbnails.js'
import { views } from './0010-views.js'

/** A change of the schema: as SQL, or as what does it where SQL does not suffice. */
export type Migration = string | ((database: Connection) => void)

/** Every change of the schema, oldest first. A database's `user_version` is the number of those it has had. */
export const MIGRATIONS: readonly Migration[] = [events, cameras, people, evidence, ledger, reviews, retention, history, thumbnails, views]
