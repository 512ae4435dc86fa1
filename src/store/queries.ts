import { auditQueries } from './audit-queries.js'
import { cameraQueries, WRITING_CAMERA_QUERIES } from './camera-queries.js'
import { bundleQueries } from './bundle-queries.js'
import { repairQueries, WRITING_REPAIR_QUERIES } from './check-queries.js'
import { checkpointQueries, WRITING_CHECKPOINT_QUERIES } from './checkpoint-queries.js'
import { clipQueries, WRITING_CLIP_QUERIES } from './clip-queries.js'
import type { Connection } from './database.js'
import { datasetQueries } from './dataset-queries.js'
import { eventQueries, WRITING_EVENT_QUERIES } from './event-queries.js'
import { historyQueries } from './history-queries.js'
import type { Ledger } from './ledger-statements.js'
import { liveQueries } from './live-queries.js'
import { peopleQueries, WRITING_PEOPLE_QUERIES } from './people-queries.js'
import { retentionQueries, WRITING_RETENTION_QUERIES } from './retention-queries.js'
import { reviewQueries, WRITING_REVIEW_QUERIES } from './review-queries.js'

/** Every statement of the program by name, prepared once. They run on the SQL thread. */
export function queriesOf (database: Connection, ledger: Ledger) {
  return {
    ...eventQueries(database, ledger),
    ...clipQueries(database, ledger),
    ...historyQueries(database),
    ...liveQueries(database),
    ...cameraQueries(database, ledger),
    ...peopleQueries(database, ledger),
    ...retentionQueries(database, ledger),
    ...repairQueries(database, ledger),
    ...ledgerQueries(ledger),
    ...checkpointQueries(database),
    ...bundleQueries(database),
    ...reviewQueries(database, ledger),
    ...auditQueries(database),
    ...datasetQueries(database)
  }
}

/** What is told of the ledger alone: things that change nothing else, such as an export. */
function ledgerQueries ({ append }: Ledger) {
  return {
    /** Returns the entry's sequence. */
    appendToLedger: append
  }
}

/** The statements, by name. */
export type Queries = ReturnType<typeof queriesOf>

/** Those that change something; they are committed together. */
export const WRITING_QUERIES: ReadonlySet<string> = new Set<string>([
  ...WRITING_EVENT_QUERIES, ...WRITING_CLIP_QUERIES, ...WRITING_CAMERA_QUERIES, ...WRITING_PEOPLE_QUERIES, ...WRITING_CHECKPOINT_QUERIES,
  ...WRITING_RETENTION_QUERIES, ...WRITING_REPAIR_QUERIES, ...WRITING_REVIEW_QUERIES, 'appendToLedger'
])
