import { describe, expect, it } from '@jest/globals'
import { TestClock } from '../../testing/TestClock.ts'
import { type Beat, Heartbeat } from './Heartbeat.ts'

function beating(arrived?: () => Promise<number>) {
  const clock = new TestClock()
  const sent: Beat[] = []
  const heard: [number, 'silent' | 'heard'][] = []
  const stood: [number, boolean][] = []
  const heartbeat = new Heartbeat({
    clock,
    send: (beat) => sent.push(beat),
    onSilent: () => heard.push([clock.now(), 'silent']),
    onHeard: () => heard.push([clock.now(), 'heard']),
    onStill: (still) => stood.push([clock.now(), still]),
    ...(arrived && { arrived }),
  })
  heartbeat.start()
  return { clock, sent, heard, stood, heartbeat }
}

describe('Heartbeat', () => {
  it('pings four times a second and answers each ping at once', async () => {
    const { clock, sent, heartbeat } = beating()
    await clock.advance(999)
    expect(sent).toEqual(['ping', 'ping', 'ping', 'ping'])
    heartbeat.receive('ping')
    expect(sent.at(-1)).toBe('pong')
  })

  it('tells of a silence exactly 800 ms after the last beat, once, and of its end', async () => {
    const { clock, heard, heartbeat } = beating()
    await clock.advance(700)
    heartbeat.receive('pong')
    await clock.advance(5000)
    expect(heard).toEqual([[1500, 'silent']])
    heartbeat.receive('pong')
    expect(heard.at(-1)).toEqual([5700, 'heard'])
    await clock.advance(1000)
    expect(heard.at(-1)).toEqual([6500, 'silent'])
  })

  it('looks more often in a silence, whose end is then known within 100 ms', async () => {
    const { clock, sent, heard, heartbeat } = beating()
    heartbeat.receive('pong')
    await clock.advance(1000)
    expect(heard).toEqual([[800, 'silent']])
    const before = sent.length
    await clock.advance(1000)
    expect(sent.length - before).toBe(10)
  })

  it('takes a page that slept for no fault of the network', async () => {
    const { clock, heard, heartbeat } = beating()
    heartbeat.receive('pong')
    await clock.freeze(30_000)
    expect(heard).toEqual([])
    heartbeat.receive('pong')
    await clock.advance(700)
    expect(heard).toEqual([])
  })

  it('REQ-P7: where beats are held up and all else arrives, nothing is lost; what arrives first ends a silence', async () => {
    let cut = false
    let packets = 0
    const { clock, heard, heartbeat } = beating(async () => packets)
    const flow = () => {
      if (!cut) packets++
      clock.after(20, flow)
    }
    flow()
    heartbeat.receive('ping')
    await clock.advance(10_000)
    expect(heard).toEqual([])
    cut = true
    await clock.advance(5000)
    expect(heard.map(([, what]) => what)).toEqual(['silent'])
    const restoredAt = clock.now()
    cut = false
    await clock.advance(5000)
    expect(heard.map(([, what]) => what)).toEqual(['silent', 'heard'])
    expect(heard[1]?.[0]).toBeLessThanOrEqual(restoredAt + 120)
  })

  it('REQ-P7: knows of a path that stands still before it is told, and of the first that comes over it', async () => {
    let packets = 0
    const { clock, heard, stood, heartbeat } = beating(async () => packets)
    heartbeat.receive('pong')
    await clock.advance(700)
    expect(stood).toEqual([[450, true]])
    packets++
    await clock.advance(100)
    expect([stood.at(-1), heard]).toEqual([[750, false], []])
    heartbeat.receive('pong')
    await clock.advance(1000)
    expect([stood.at(-1), heard]).toEqual([[1250, true], [[1600, 'silent']]])
    heartbeat.receive('pong')
    expect([stood.at(-1), heard.at(-1)]).toEqual([
      [1800, false],
      [1800, 'heard'],
    ])
  })

  it('takes beats that are late, beside which all else arrives, for no standing still', async () => {
    let [packets, counts] = [0, 0]
    const { clock, stood, heartbeat } = beating(async () => {
      counts++
      return packets
    })
    const flow = () => {
      packets++
      clock.after(20, flow)
    }
    flow()
    for (let nth = 0; nth < 100; nth++) {
      heartbeat.receive('ping')
      await clock.advance(200 + (nth % 7) * 25)
    }
    expect(stood).toEqual([])
    expect(counts).toBeLessThan(50)
  })

  it.each([10, 60, 110, 160])(
    'REQ-P7: where beats do not come, and a packet each 200 ms, first after %d ms, nothing is held again and again',
    async (firstMs) => {
      let packets = 0
      const { clock, heard, stood, heartbeat } = beating(async () => packets)
      const flow = () => {
        packets++
        clock.after(200, flow)
      }
      clock.after(firstMs, flow)
      heartbeat.receive('ping')
      await clock.advance(10_000)
      expect(stood.filter(([, still]) => still).length).toBeLessThanOrEqual(1)
      expect(heard).toEqual([])
    },
  )

  it('takes two counts at nearly one time, of a page that is busy, for no standing still', async () => {
    let packets = 0
    const { clock, stood, heartbeat } = beating(async () => packets)
    heartbeat.receive('ping')
    await clock.advance(299)
    await clock.freeze(130)
    await clock.advance(100)
    packets++
    await clock.advance(100)
    expect(stood).toEqual([])
  })

  it('takes the pause after a beat that was heard alone for no standing still', async () => {
    let packets = 0
    const { clock, stood, heartbeat } = beating(async () => packets)
    heartbeat.receive('ping')
    await clock.advance(290)
    packets++
    await clock.advance(130)
    packets++
    await clock.advance(100)
    expect(stood).toEqual([])
  })

  it('looks less and less into a silence that lasts', async () => {
    let counts = 0
    const { clock, heartbeat } = beating(async () => {
      counts++
      return 0
    })
    heartbeat.receive('pong')
    await clock.advance(5000)
    expect(counts).toBeGreaterThan(40)
    await clock.advance(55_000)
    counts = 0
    await clock.advance(60_000)
    expect(counts).toBe(60)
  })

  it('waits for the first beat: the other end may open its channel later', async () => {
    const { clock, heard, heartbeat } = beating()
    await clock.advance(5000)
    heartbeat.renew()
    await clock.advance(5000)
    expect(heard).toEqual([])
    heartbeat.receive('ping')
    await clock.advance(1000)
    expect(heard).toEqual([[10_800, 'silent']])
  })

  it('is still once stopped', async () => {
    const { clock, sent, heard, heartbeat } = beating()
    heartbeat.stop()
    heartbeat.receive('ping')
    await clock.advance(5000)
    expect(sent).toEqual(['ping'])
    expect(heard).toEqual([])
  })
})
