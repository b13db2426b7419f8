import { describe, expect, it } from '@jest/globals'
import type { Cell } from '../../state.ts'
import { TestClock } from '../../testing/TestClock.ts'
import type { RemoteParticipant } from '../call/callState.ts'
import { noteReceiver, receivedVoices, sourcesOf } from './receivers.ts'
import { receivedSampleMs, Voices } from './Voices.ts'
import { initialVoice, type VoiceState } from './voiceState.ts'

/** Somebody of whom a packet comes each 20 ms, and how often that one's receiver was asked. */
function person(clock: TestClock, id: string, { audio = true, link = 'connected' as const } = {}) {
  const track = {} as MediaStreamTrack
  const told = { asked: 0, level: 0 }
  const receiver = {
    getSynchronizationSources() {
      told.asked++
      return [{ timestamp: Math.floor(clock.now() / 20) * 20 + 1, audioLevel: told.level }]
    },
  }
  noteReceiver(track, receiver)
  const participant: Pick<RemoteParticipant, 'id' | 'media' | 'audio' | 'link'> = {
    id,
    media: { audio, video: true, screen: false },
    audio: track,
    link,
  }
  return { told, receiver, participant }
}

function follow(clock: TestClock, people: ReturnType<typeof person>[]) {
  let shown: VoiceState = initialVoice
  const state: Cell<VoiceState> = {
    get: () => shown,
    set: (patch) => {
      shown = { ...shown, ...patch }
    },
  }
  const participants = people.map(({ participant }) => participant)
  const voices = new Voices({
    clock,
    state,
    voices: () => receivedVoices(participants, clock.now()),
    thresholdDb: () => -50,
    everyMs: receivedSampleMs,
  })
  voices.start()
  return { speaking: () => shown.speaking }
}

describe('receivers', () => {
  it('REQ-P10: are asked 20 times a second for voice, whoever else wants to know, and not of who is muted', async () => {
    const clock = new TestClock()
    const ana = person(clock, 'ana')
    const minh = person(clock, 'minh', { audio: false })
    const { speaking } = follow(clock, [ana, minh])
    let fresh = 0
    const watch = () => {
      const [source] = sourcesOf(ana.receiver, clock.now(), 60)
      if (clock.now() - (source?.timestamp ?? 0) <= 60 + 20) fresh++
      clock.after(97, watch) // at all phases of the other timer
    }
    clock.after(230, watch)
    await clock.advance(10_000)
    expect(ana.told.asked).toBe(200)
    expect(minh.told.asked).toBe(0)
    expect(fresh).toBe(101)
    ana.told.level = 1
    await clock.advance(100)
    expect(speaking()).toEqual(['ana'])
  })

  it('are asked anew where an answer is too old, or none was given', () => {
    const clock = new TestClock()
    const { told, receiver } = person(clock, 'ana')
    const askedAt = (now: number, maxAgeMs?: number) => {
      sourcesOf(receiver, now, maxAgeMs)
      return told.asked
    }
    expect([askedAt(0, 60), askedAt(59, 60), askedAt(60, 60), askedAt(61)]).toEqual([1, 1, 2, 3])
  })
})
