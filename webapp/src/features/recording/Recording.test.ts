import { describe, expect, it, jest } from '@jest/globals'
import type { Participant, RoomRecording, RoomSnapshot } from '@parley/protocol'
import fc from 'fast-check'
import { settle, TestClock } from '../../testing/TestClock.ts'
import { type Ask, SignalingError } from '../connection/Signaling.ts'
import { Recording } from './Recording.ts'
import { initialRecording, type RecordingView } from './recordingState.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

const person = (id: string): Participant => ({
  id,
  name: id,
  media: { audio: true, video: true },
  joinedAt: 0,
  role: 'member',
})

function page(refusal?: 'taken' | 'forbidden') {
  const view: RecordingView = { ...initialRecording }
  const clock = new TestClock()
  const recorder = { writes: false, stopped: 0 }
  const asked: [string, unknown][] = []
  let at = 0
  const ask = (async (event: string, message: { id: string }) => {
    asked.push([event, message])
    if (refusal) throw new SignalingError(refusal, 'no')
    if (event !== 'recording:ask') return null
    return { at: ++at, recording: { id: message.id, by: 'me', agreed: ['me'], on: false } }
  }) as unknown as Ask
  const recording = new Recording({
    view: { get: () => view, set: (patch) => Object.assign(view, patch) },
    clock,
    newId: () => 'own',
    openRecorder: async () => ({
      run: () => {
        recorder.writes = true
      },
      pause: () => {
        recorder.writes = false
      },
      stop: async () => {
        recorder.writes = false
        recorder.stopped++
        return 'saved'
      },
    }),
  })
  const enter = (ids: string[], state?: RoomSnapshot['recording']) =>
    recording.entered(
      {
        self: 'me',
        participants: ids.map(person),
        ...(state && { recording: state }),
      } as RoomSnapshot,
      ask,
    )
  const tell = (one: RoomRecording | null, ended?: 'refused' | 'stopped') =>
    recording.heard({
      name: 'recording:state',
      message: { at: ++at, recording: one, ...(ended && { ended }) },
    })
  return { recording, view, recorder, asked, enter, tell, later: () => ++at }
}

const own = (agreed: string[], on: boolean): RoomRecording => ({ id: 'own', by: 'me', agreed, on })

const ids = fc.constantFrom('me', 'p-a', 'p-b')
const step = fc.oneof(
  fc.record({ do: fc.constant('joined' as const), id: ids }),
  fc.record({ do: fc.constant('left' as const), id: fc.constantFrom('p-a', 'p-b') }),
  fc.record({
    do: fc.constant('state' as const),
    on: fc.boolean(),
    agreed: fc.uniqueArray(ids),
    late: fc.boolean(),
  }),
  fc.record({ do: fc.constant('over' as const) }),
  fc.record({ do: fc.constant('away' as const) }),
  fc.record({ do: fc.constant('back' as const), on: fc.boolean(), agreed: fc.uniqueArray(ids) }),
  fc.record({ do: fc.constant('begin' as const) }),
)

describe('Recording', () => {
  it('REQ-W5: no page writes while anybody it knows to be there has not said yes, or while it could not hear a no', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { recording, view, recorder, enter, tell } = page()
        const present = new Set(['me', 'p-a'])
        let connected = true
        enter([...present])
        for (const one of steps) {
          if (one.do === 'begin') await recording.begin()
          else if (one.do === 'joined') {
            present.add(one.id)
            recording.heard({ name: 'participant:joined', message: person(one.id) })
          } else if (one.do === 'left') {
            present.delete(one.id)
            recording.heard({ name: 'participant:left', message: { id: one.id } })
          } else if (one.do === 'state') tell(own(one.agreed, one.on))
          else if (one.do === 'over') tell(null, 'refused')
          else if (one.do === 'away') {
            connected = false
            recording.away()
          } else {
            connected = true
            enter([...present], { at: 1e9, recording: own(one.agreed, one.on) })
          }
          await settle()
          if (!recorder.writes) continue
          expect(connected).toBe(true)
          expect(view.recording).toMatchObject({ id: 'own', on: true })
          for (const id of present) expect(view.recording?.agreed).toContain(id)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('REQ-W5: writes from the last yes to the first no, and says what has become of the file', async () => {
    const { recording, view, recorder, enter, tell } = page()
    enter(['me', 'p-a'])
    await recording.begin()
    expect([recorder.writes, view.recording?.on]).toEqual([false, false])
    tell(own(['me', 'p-a'], true))
    expect(recorder.writes).toBe(true)
    // Somebody comes of whom the server has not said yet that they agree.
    recording.heard({ name: 'participant:joined', message: person('p-b') })
    expect(recorder.writes).toBe(false)
    tell(own(['me', 'p-a', 'p-b'], true))
    expect(recorder.writes).toBe(true)
    tell(null, 'refused')
    await settle()
    expect(recorder).toEqual({ writes: false, stopped: 1 })
    expect(view).toMatchObject({ recording: null, notice: 'saved' })
  })

  it('a page that comes back to a room that knows of no recording has ended its own', async () => {
    const { recording, recorder, enter, tell } = page()
    enter(['me'])
    await recording.begin()
    tell(own(['me'], true))
    recording.away()
    expect(recorder).toEqual({ writes: false, stopped: 0 })
    enter(['me', 'p-a'])
    await settle()
    expect(recorder).toEqual({ writes: false, stopped: 1 })
  })

  it('who leaves, or whose call fails, has the file whole, though the server is away', async () => {
    const { recording, view, recorder, enter, tell } = page()
    enter(['me'])
    await recording.begin()
    tell(own(['me'], true))
    recording.away()
    recording.left()
    await settle()
    expect(recorder).toEqual({ writes: false, stopped: 1 })
    expect(view).toMatchObject({ recording: null, notice: 'saved' })
  })

  it('what comes late changes nothing; it is over when who records has left', () => {
    const { recording, view, enter, tell } = page()
    enter(['me', 'p-a'])
    tell({ id: 'other', by: 'p-a', agreed: ['p-a', 'me'], on: true })
    recording.heard({ name: 'recording:state', message: { at: 0, recording: null } })
    expect(view.recording?.on).toBe(true)
    recording.heard({ name: 'participant:left', message: { id: 'p-a' } })
    expect(view).toMatchObject({ recording: null, notice: 'stopped' })
  })

  it('who may not is told so, and writes nothing', async () => {
    for (const refusal of ['taken', 'forbidden'] as const) {
      const { recording, view, recorder, enter } = page(refusal)
      enter(['me'])
      await recording.begin()
      await settle()
      expect([view.notice, recorder.writes, recorder.stopped]).toEqual([refusal, false, 1])
    }
  })

  it('answers for the recording that is asked for, and stops its own', async () => {
    const { recording, asked, enter, tell } = page()
    enter(['me', 'p-a'])
    tell({ id: 'other', by: 'p-a', agreed: ['p-a'], on: false })
    await recording.answer(true)
    await recording.stop()
    expect(asked).toEqual([
      ['recording:answer', { id: 'other', yes: true }],
      ['recording:stop', { id: 'other' }],
    ])
  })
})
