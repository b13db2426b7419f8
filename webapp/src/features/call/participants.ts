import type { Participant } from '@parley/protocol'
import type { Cell } from '../../state.ts'
import type { CallState, RemoteParticipant } from './callState.ts'
import type { Link } from './Link.ts'

/** The participants of the state that the page shows, as their owners change them. */
export class Participants {
  readonly #call: Cell<CallState>

  constructor(call: Cell<CallState>) {
    this.#call = call
  }

  find(id: string): RemoteParticipant | undefined {
    return this.#call.get().participants.find((p) => p.id === id)
  }

  add({ id, name, media, joinedAt }: Participant, link: Link): void {
    const participant: RemoteParticipant = {
      id,
      name,
      media,
      joinedAt,
      link: link.state,
      sfu: link.sfu ?? false,
      audio: link.tracks.audio,
      video: link.tracks.video,
      screen: link.tracks.screen ?? null,
      screenAudio: link.tracks.screenAudio ?? null,
      usingRelay: undefined,
      localCandidateType: undefined,
      remoteCandidateType: undefined,
      quality: 'unknown',
      rttMs: undefined,
      lossPercent: undefined,
    }
    const participants = [...this.#call.get().participants, participant]
    participants.sort((a, b) => a.joinedAt - b.joinedAt || (a.id < b.id ? -1 : 1))
    this.#call.set({ participants })
  }

  /** What does not change anything draws nothing. */
  patch(id: string, patch: Partial<RemoteParticipant>): void {
    const before = this.find(id)
    if (!before) return
    const keys = Object.keys(patch) as (keyof RemoteParticipant)[]
    if (keys.every((key) => before[key] === patch[key])) return
    const { participants } = this.#call.get()
    this.#call.set({
      participants: participants.map((p) => (p === before ? { ...p, ...patch } : p)),
    })
  }

  /** @returns whom it was, if anybody */
  remove(id: string): RemoteParticipant | undefined {
    const participant = this.find(id)
    const { participants } = this.#call.get()
    this.#call.set({ participants: participants.filter((p) => p !== participant) })
    return participant
  }
}
