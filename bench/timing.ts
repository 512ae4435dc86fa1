/** How long things take. */
export interface Timing { readonly seconds: number, readonly warmUpSeconds: number, readonly settleSeconds: number }

/** What each server gets before it is measured, whatever the point: V8 compiles as it runs. */
export const WARM_UP_FRAMES_PER_SECOND = 1500
