import type { CameraKey, CameraSettings } from '../core/camera.js'
import type { CameraStore } from '../core/camera-registry.js'
import { CameraExists } from '../errors.js'
import type { ConnectionNote, NewestFrameNote, StoredCamera } from './camera-queries.js'
import type { SqlThread } from './sql-thread.js'
import { errorCode } from './storage-errors.js'

/** Cameras, their keys and their connections in SQLite. Every method rejects with HistoryUnavailable where that fails. */
export class CameraRepository implements CameraStore {
  readonly #sql: SqlThread

  constructor (sql: SqlThread) {
    this.#sql = sql
  }

  /** Every camera that was not removed, and the keys of all. */
  async load (): Promise<{ cameras: StoredCamera[], keys: CameraKey[] }> {
    return await this.#sql.ask('loadCameras')
  }

  /** Rejects with CameraExists where the id is taken. */
  async insert (settings: CameraSettings, createdAtMs: number, by?: string): Promise<void> {
    try {
      await this.#sql.ask('insertCamera', settings, createdAtMs, by)
    } catch (error) {
      const isTaken = error instanceof Error && errorCode(error.cause).startsWith('SQLITE_CONSTRAINT')
      throw isTaken ? new CameraExists(settings.cameraId) : error
    }
  }

  async update (settings: CameraSettings, by?: string): Promise<void> {
    await this.#sql.ask('updateCamera', settings, by)
  }

  async remove (cameraId: string, atMs: number, by?: string): Promise<boolean> {
    return await this.#sql.ask('removeCamera', cameraId, atMs, by)
  }

  async insertKey (key: CameraKey, by?: string): Promise<void> {
    await this.#sql.ask('insertCameraKey', key, by)
  }

  async deleteKey (keyId: string, by?: string): Promise<void> {
    await this.#sql.ask('deleteCameraKey', keyId, by)
  }

  /** Keeps over a restart that the live picture was stopped, or started again with null. */
  async setStreamStopped (cameraId: string, atMs: number | null, by?: string): Promise<void> {
    await this.#sql.ask('setStreamStopped', cameraId, atMs, by)
  }

  /** Notes when the newest frame of each camera was taken. */
  async noteNewestFrames (notes: readonly NewestFrameNote[]): Promise<void> {
    await this.#sql.ask('noteNewestFrames', notes)
  }

  /** Notes who fell silent and who was heard again. */
  async noteConnections (notes: readonly ConnectionNote[]): Promise<void> {
    await this.#sql.ask('noteConnections', notes)
  }

  /** The newest notes of a camera, newest first. */
  async connectionsOf (cameraId: string, limit: number): Promise<ConnectionNote[]> {
    return await this.#sql.ask('connectionsOf', cameraId, limit)
  }
}
