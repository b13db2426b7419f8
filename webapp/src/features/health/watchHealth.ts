import type { AppState } from '../../state.ts'
import type { HealthLog } from './HealthLog.ts'

export type HealthWatched = Pick<AppState, 'call' | 'local'>

/** Notes in the log what has changed from one state to the next. */
export function noteChanges(log: HealthLog, now: HealthWatched, before: HealthWatched): void {
  const { call, local } = now
  if (call.phase !== before.call.phase)
    log.note(`call: ${call.phase}${call.error === null ? '' : ` (${call.error})`}`)
  if (call.signaling !== before.call.signaling) log.note(`server: ${call.signaling}`)
  for (const note of call.notes) if (!before.call.notes.includes(note)) log.note(`note: ${note}`)
  for (const kind of ['audio', 'video'] as const) {
    const { problem } = local[kind]
    if (problem !== before.local[kind].problem)
      log.note(`${kind === 'audio' ? 'microphone' : 'camera'}: ${problem ?? 'works'}`)
  }
  if (call.participants === before.call.participants) return
  const earlier = new Map(before.call.participants.map((one) => [one.id, one]))
  for (const one of call.participants) {
    const was = earlier.get(one.id)
    earlier.delete(one.id)
    const who = `person ${log.person(one.id)}`
    if (was?.link !== one.link) log.note(`${who}: ${one.link}`)
    if (was && was.sfu !== one.sfu) log.note(`${who}: ${one.sfu ? 'over the SFU' : 'directly'}`)
    if (one.usingRelay !== undefined && was?.usingRelay !== one.usingRelay)
      log.note(`${who}: ${one.usingRelay ? 'through a relay' : 'without a relay'}`)
  }
  for (const id of earlier.keys()) log.note(`person ${log.person(id)}: gone`)
}
