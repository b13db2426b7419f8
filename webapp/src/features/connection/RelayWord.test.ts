import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { LinkKnowledge } from '../linkReports/linkFacts.ts'
import { readLinkStats } from './linkStats.ts'
import { RelayWord } from './RelayWord.ts'

type Type = RTCIceCandidateType

/** A reading of one end, whose browser sees the other end's candidate as `remote`. */
const reading = (local: Type, remote: Type): [string, unknown][] => [
  ['T', { type: 'transport', selectedCandidatePairId: 'P' }],
  ['P', { type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' }],
  ['L', { type: 'local-candidate', candidateType: local }],
  ['R', { type: 'remote-candidate', candidateType: remote }],
  ['old', { type: 'remote-candidate', candidateType: 'prflx' }],
]

describe('RelayWord', () => {
  it('REQ-M1, REQ-K5: both ends know who is relayed, whichever candidates were lost on the way', () => {
    const own = fc.constantFrom<Type>('host', 'srflx', 'prflx', 'relay')
    fc.assert(
      fc.property(
        fc.array(fc.record({ a: own, b: own }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        fc.boolean(),
        (paths, aKnown, bKnown) => {
          const a: RelayWord = new RelayWord((word) => b.receive(word))
          const b: RelayWord = new RelayWord((word) => a.receive(word))
          for (const path of paths) {
            const ofA = () => a.read(reading(path.a, bKnown ? path.b : 'prflx'))
            const ofB = () => b.read(reading(path.b, aKnown ? path.a : 'prflx'))
            // Once to say it, and once to have heard it.
            ofA()
            ofB()
            const relayed = path.a === 'relay' || path.b === 'relay'
            expect([readLinkStats(ofA()), readLinkStats(ofB())]).toMatchObject([
              { usingRelay: relayed, localCandidateType: path.a },
              { usingRelay: relayed, localCandidateType: path.b },
            ])
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('what the server is told of the link is the same', () => {
    const word = new RelayWord(() => {})
    const knowledge = new LinkKnowledge('all')
    word.receive('relay')
    knowledge.read(word.read(reading('host', 'prflx')))
    expect(knowledge.facts.selected).toEqual({ local: 'host', remote: 'relay' })
  })

  it('says nothing before there is a path, takes nothing else for its word, and believes the browser where that knows', () => {
    const said: string[] = []
    const word = new RelayWord((each) => said.push(each))
    const none = [['L', { type: 'local-candidate', candidateType: 'relay' }]] as [string, unknown][]
    expect(word.read(none)).toEqual(none)
    expect(said).toEqual([])
    for (const other of ['ping', 'live', '']) word.receive(other)
    expect(word.read(reading('host', 'prflx'))).toEqual(reading('host', 'prflx'))
    word.receive('relay')
    expect(word.read(reading('host', 'srflx'))).toEqual(reading('host', 'srflx'))
    expect(said).toEqual(['no-relay', 'no-relay'])
  })
})
