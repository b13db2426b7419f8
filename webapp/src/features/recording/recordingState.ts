import type { RoomRecording } from '@parley/protocol'

export type RecordingView = {
  /** As the server has it; null where nobody records or asks. */
  recording: RoomRecording | null
  /** What was last to be told of it, for a moment. */
  notice: RecordingNotice | null
  /** Of the file that this page writes; null while it writes none. */
  bytes: number | null
}

/**
 * `refused`, `stopped`: it is over for all. `saved`: this page's file is whole. `failed`: it could not be
 * written, `full`: any further. `taken`: somebody else records; `forbidden`: guests do not; `offline`.
 */
export type RecordingNotice =
  | 'refused'
  | 'stopped'
  | 'saved'
  | 'failed'
  | 'full'
  | 'taken'
  | 'forbidden'
  | 'offline'

export const initialRecording: RecordingView = { recording: null, notice: null, bytes: null }
