import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { compareRecorded, type Recorded, readRecorded } from '@parley/relay-cost'
import fc from 'fast-check'
import { SortedEvents } from './commands/cost/sorted-events.ts'

const recorded: fc.Arbitrary<Recorded> = fc
  .tuple(fc.nat(50), fc.nat(3), fc.nat(2000))
  .map(([t, id, bytes]) => {
    const channel = `turn/realm/pod-ä.demo/user/1:a.b.c/allocation/${id}/traffic`
    const message = `rcvp=1, rcvb=${bytes}, sentp=0, sentb=0`
    return readRecorded(JSON.stringify({ t, channel, message })) as Recorded
  })

describe('events in order', () => {
  it('REQ-K5: come the same from memory and from files', () => {
    fc.assert(
      fc.property(
        fc.array(recorded, { maxLength: 150, size: 'max' }),
        fc.integer({ min: 1, max: 70 }),
        (all, length) => {
          const events = new SortedEvents(length)
          for (const each of all) events.add(each)
          try {
            expect([...events]).toEqual(all.toSorted(compareRecorded))
          } finally {
            events.close()
          }
        },
      ),
    )
  })

  it.each([1, 40])(
    'REQ-K5: %i bytes lost from a file are an error, never a smaller report',
    (lost) => {
      const parent = mkdtempSync(join(tmpdir(), 'parley-sorted-'))
      const events = new SortedEvents(2, parent)
      try {
        for (const each of fc.sample(recorded, 4)) events.add(each)
        const [folder = ''] = readdirSync(parent)
        const file = join(parent, folder, '1')
        writeFileSync(file, readFileSync(file).subarray(0, -lost))
        expect(() => [...events]).toThrow(/sorted events in .* cannot be read back .*set TMPDIR/)
      } finally {
        events.close()
        rmSync(parent, { recursive: true })
      }
    },
  )
})
