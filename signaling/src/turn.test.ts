import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { watchTurn } from './turn.ts'

let folder: string
const identity = { tenant: 'default', room: 'standup', participant: 'p-1' }

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-turn-'))
  writeFileSync(join(folder, 'secrets'), 'north\n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function turnOf(urls: string[], expected: boolean) {
  const endpointsFile = join(folder, 'endpoints.json')
  writeFileSync(endpointsFile, JSON.stringify({ urls }))
  const turn = watchTurn({
    endpointsFile,
    secretFile: join(folder, 'secrets'),
    ttlSeconds: 60,
    expected,
    now: () => 0,
    onProblem() {},
  })
  turn.close()
  return turn
}

const stun = ['stun:192.0.2.1:3478']

it('REQ-P1: nobody is let in with STUN alone where there should be TURN', () => {
  const turn = turnOf(stun, true)
  expect(turn.seen()).toBe(false)
  expect(() => turn.iceServers(identity)).toThrow('no TURN server is ready yet')
})

it('on a machine without TURN, STUN is what there is, and it carries no credentials', () => {
  const turn = turnOf(stun, false)
  expect(turn.seen()).toBe(true)
  expect(turn.iceServers(identity)).toEqual([{ urls: stun }])
})
