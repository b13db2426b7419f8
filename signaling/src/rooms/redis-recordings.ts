import type { RecordingState } from '@parley/protocol'
import type { recordingScripts } from './recording-scripts.ts'
import type { RecordingChange, Recordings } from './recordings.ts'
import type { RoomKey } from './room-store.ts'

type Run = <T>(name: keyof typeof recordingScripts, key: RoomKey, ...args: string[]) => Promise<T>
/** 0: there is none, or no seat; 2: taken; 1 with the room's hash, and 1 where it has started. */
type Reply = [0] | [2] | [1, string[], number]

/** @param run a script on the keys of a room */
export function redisRecordings(run: Run): Recordings {
  async function change(
    ...request: Parameters<Run>
  ): Promise<RecordingChange | 'taken' | undefined> {
    const reply = await run<Reply>(...request)
    if (reply[0] === 2) return 'taken'
    return reply[0] === 1 ? { ...readRecording(reply[1]), started: reply[2] === 1 } : undefined
  }
  const known = async (...request: Parameters<Run>) => {
    const changed = await change(...request)
    return changed === 'taken' ? undefined : changed
  }
  return {
    ask: (key, by, id) => change('askRecording', key, by, id),
    answer: (key, who, id, yes) => known('answerRecording', key, who, id, yes ? '1' : '0'),
    stop: (key, id) => known('stopRecording', key, id),
    look: async (key) =>
      (await known('lookRecording', key)) ?? { at: 0, recording: null, started: false },
  }
}

/** @param fields of the room's hash, as HGETALL gives them: field and value in turn */
export function readRecording(fields: readonly string[]): Pick<RecordingState, 'at' | 'recording'> {
  const value = new Map<string, string>()
  for (let i = 0; i + 1 < fields.length; i += 2) value.set(fields[i] ?? '', fields[i + 1] ?? '')
  const at = Number(value.get('rec_at') ?? 0)
  const [id, by] = [value.get('rec'), value.get('rec_by')]
  if (id === undefined || by === undefined) return { at, recording: null }
  const agreed = [...value]
    .filter(([field, recording]) => field.endsWith(':c') && recording === id)
    .map(([field]) => field.slice(0, -2))
  return { at, recording: { id, by, on: value.has('rec_on'), agreed } }
}
