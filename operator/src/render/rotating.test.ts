import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { meetingCluster } from '../api/testing/specs.ts'
import { secretNames } from './names.ts'
import { CHECKSUM_ANNOTATION, KEYS_GENERATION_ANNOTATION } from './pod.ts'
import { formatEntries, parseEntries, rotatingSecrets } from './rotating.ts'
import { freshEntry, generateSecrets, secretShapes } from './secrets.ts'
import { buildSfuDeployment } from './sfu.ts'
import { buildSignalingDeployment } from './signaling.ts'
import { renderInputs } from './testing/inputs.ts'
import { buildTurnDeployment } from './turn.ts'

const mc = meetingCluster({ sfu: { engine: 'LiveKit' }, turn: { credentials: { ttl: '2h' } } })
const names = secretNames(mc)
const zeros = (size: number) => new Uint8Array(size)

describe('Secrets that are rotated', () => {
  it('REQ-K3: are those behind every credential, with the life of what they make', () => {
    const lives = rotatingSecrets(mc).map(({ name, ttlSeconds }) => [name, ttlSeconds])
    expect(Object.fromEntries(lives)).toEqual({
      'demo-turn-secret': 7200,
      'demo-join-key': 43200,
      'demo-livekit-keys': 7200,
    })
    const env = buildSignalingDeployment(mc, renderInputs()).spec.template.spec?.containers[0]?.env
    const seconds = (variable: string) => Number(env?.find(({ name }) => name === variable)?.value)
    expect(seconds('PARLEY_TURN_TTL_SECONDS')).toBe(7200)
    expect(seconds('PARLEY_JOIN_TTL_SECONDS')).toBe(43200)
  })

  it('have shapes with the same names and keys, and no value', () => {
    const external = { mode: 'External', external: { url: 'redis://r:6379' } } as const
    for (const some of [
      mc,
      meetingCluster({ sfu: { engine: 'None' } }),
      meetingCluster({ redis: external }),
    ]) {
      const outline = (secrets: ReturnType<typeof secretShapes>) =>
        secrets.map(({ metadata, data }) => [metadata, Object.keys(data).sort()])
      const byName = (a: unknown[], b: unknown[]) =>
        JSON.stringify(a).localeCompare(JSON.stringify(b))
      expect(outline(secretShapes(some)).sort(byName)).toEqual(
        outline(generateSecrets(some, {}, zeros)).sort(byName),
      )
      const values = secretShapes(some).flatMap(({ data }) => Object.values(data))
      expect(new Set(values)).toEqual(new Set(['']))
    }
  })

  it('hold entries of the form that their readers take', () => {
    expect(freshEntry(mc, names.turn, zeros)).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(freshEntry(mc, names.livekit, zeros)).toMatch(/^API[0-9a-f]{16}: [A-Za-z0-9_-]{43}$/)
    const entries = fc.array(fc.stringMatching(/^[A-Za-z0-9_:-]{1,40}$/), { maxLength: 5 })
    fc.assert(
      fc.property(entries, (list) => expect(parseEntries(formatEntries(list))).toEqual(list)),
    )
  })
})

describe('pods and what they have read', () => {
  const uids = Object.fromEntries(Object.values(names).map((name) => [name, `uid-${name}`]))
  const annotations = (
    build: typeof buildTurnDeployment,
    secretGenerations: Record<string, number>,
  ) => {
    const inputs = { ...renderInputs(), secretUids: uids, secretGenerations }
    return build(mc, inputs).spec.template.metadata?.annotations ?? {}
  }
  const rolls = (build: typeof buildTurnDeployment, name: string) =>
    annotations(build, { [name]: 1 })[CHECKSUM_ANNOTATION] !==
    annotations(build, {})[CHECKSUM_ANNOTATION]

  it('REQ-K3: those that read a list while they run are not rolled for it', () => {
    expect(rolls(buildTurnDeployment, names.turn)).toBe(false)
    expect(rolls(buildSignalingDeployment, names.turn)).toBe(false)
    expect(rolls(buildSignalingDeployment, names.joinKey)).toBe(false)
    expect(rolls(buildSignalingDeployment, names.livekit)).toBe(false)
    // Not for one that was deleted and made anew either.
    const { [names.turn]: _, ...others } = uids
    const without = buildTurnDeployment(mc, { ...renderInputs(), secretUids: others })
    expect(without.spec.template.metadata?.annotations).toEqual(
      annotations(buildTurnDeployment, {}),
    )
  })

  it('REQ-K3: those that read it when they start are, and say which they have read', () => {
    expect(rolls(buildSfuDeployment, names.livekit)).toBe(true)
    expect(
      annotations(buildSfuDeployment, { [names.livekit]: 3 })[KEYS_GENERATION_ANNOTATION],
    ).toBe('3')
    for (const build of [buildTurnDeployment, buildSignalingDeployment, buildSfuDeployment])
      expect(rolls(build, names.redis)).toBe(true)
  })
})
