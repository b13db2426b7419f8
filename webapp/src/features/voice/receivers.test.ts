import { describe, expect, it } from '@jest/globals'
import type { Cell } from '../../state.ts'
import { TestClock } from '../../testing/TestClock.ts'
import type { RemoteParticipant } from '../call/callState.ts'
import { noteLoud, noteReceiver, ReceivedVoices, sourcesOf } from './receivers.ts'
import { receivedSampleMs, Voices } from './Voices.ts'
import { initialVoice, type VoiceState } from './voiceState.ts'

/** Somebody of whom a packet comes each 20 ms, and how often that one's receiver was asked. */
function person(clock: TestClock, id: string, { audio = true, link = 'connected' as const } = {}) {
  const track = {} as MediaStreamTrack
  const told: { asked: number; level: number | undefined } = { asked: 0, level: 0 }
  const receiver = {
    getSynchronizationSources() {
      told.asked++
      const timestamp = Math.floor(clock.now() / 20) * 20 + 1
      return [told.level === undefined ? { timestamp } : { timestamp, audioLevel: told.level }]
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

/** Nobody needs to be listened to whose packets say how loud they are. */
const listenToNone = () => {
  throw new Error('listened to')
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
  const received = new ReceivedVoices(() => clock.now(), listenToNone)
  const voices = new Voices({
    clock,
    state,
    voices: () => received.read(participants),
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

  it('REQ-K8, W2: stop a page for a part of its time alone, however many there are and however long each takes', async () => {
    const clock = new TestClock()
    const all = Array.from({ length: 50 }, (_, index) => person(clock, `p-${index}`))
    // As while many connect: an answer takes the browser as long as a dozen of them else.
    let busyMs = 6
    let stoppedMs = 0
    let longestMs = 0
    const received = new ReceivedVoices(() => clock.now() + stoppedMs, listenToNone)
    for (const { receiver } of all) {
      const answer = receiver.getSynchronizationSources
      receiver.getSynchronizationSources = () => {
        stoppedMs += busyMs
        return answer()
      }
    }
    const participants = all.map(({ participant }) => participant)
    const asked = () => all.map(({ told }) => told.asked)
    for (let turn = 0; turn < 25; turn++) {
      const before = stoppedMs
      expect([...received.read(participants)].length).toBe(50)
      longestMs = Math.max(longestMs, stoppedMs - before)
    }
    expect(longestMs).toBe(12)
    // Nobody is left out for another one to be asked of again.
    expect(asked()).toEqual(Array(50).fill(1))
    busyMs = 0.1
    ;[...received.read(participants)]
    expect(asked()).toEqual(Array(50).fill(2))
  })

  it('REQ-P10, K8: who comes over an SFU, whose packets do not say how loud they are, is listened to; of many those who are loud', () => {
    const clock = new TestClock()
    const all = Array.from({ length: 20 }, (_, index) => person(clock, `p-${index}`))
    for (const { told } of all) told.level = undefined
    const heard = new Map<MediaStreamTrack, number>()
    const received = new ReceivedVoices(
      () => clock.now(),
      (track) => {
        heard.set(track, -60)
        return { readDb: () => heard.get(track) ?? 0, close: () => void heard.delete(track) }
      },
    )
    const participants = all.map(({ participant }) => participant)
    const levels = (of = participants) => [...received.read(of)].map(({ levelDb }) => levelDb)
    const trackOf = (index: number) => participants[index]?.audio as MediaStreamTrack
    expect(levels()).toEqual([...Array(12).fill(-60), ...Array(8).fill(-100)])
    heard.set(trackOf(3), -20)
    expect(levels()[3]).toBe(-20)
    // Once it is known, nobody stops the page for it any more.
    expect(all.map(({ told }) => told.asked)).toEqual(Array(20).fill(1))

    noteLoud([trackOf(0), trackOf(17)])
    levels()
    expect(heard.size).toBe(12)
    expect([0, 1, 17].map((index) => heard.has(trackOf(index)))).toEqual([true, false, true])

    // Of more loud ones than that, those who are listened to already.
    const listened = () =>
      participants.flatMap((_, index) => (heard.has(trackOf(index)) ? [index] : []))
    const before = listened()
    noteLoud(participants.map(({ audio }) => audio as MediaStreamTrack))
    for (let turn = 0; turn < 3; turn++) levels()
    expect(listened()).toEqual(before)

    const [, , muted] = participants
    if (muted) muted.media = { ...muted.media, audio: false }
    levels(participants.slice(0, 4))
    expect(listened()).toEqual([0, 1, 3])
    received.close()
    expect(heard.size).toBe(0)
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
