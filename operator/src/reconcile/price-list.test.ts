import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { errorFromResponse } from '../runtime/errors.ts'
import type { Resource } from '../runtime/resources.ts'
import { missingPriceList } from './price-list.ts'

const mc = meetingCluster({ cost: { prices: { configMap: 'mine' } } })
const asked: string[] = []
const answering = (answer: object | Error) => ({
  async get<T>(resource: Resource, namespace: string | undefined, name: string): Promise<T> {
    asked.push(`${resource.kind} ${namespace}/${name}`)
    if (answer instanceof Error) throw answer
    return answer as T
  },
})
const refused = (status: number, message: string) =>
  errorFromResponse(status, JSON.stringify({ message }), { verb: 'get', resource: 'configmaps' })
const said = async (answer: object | Error) =>
  (await missingPriceList(answering(answer), mc, { ready: 0 })).map(
    ({ reason, message }) => `${reason}: ${message}`,
  )

describe('a price list of one’s own', () => {
  it('REQ-K5: that is not there, or has no prices, is named with the fix', async () => {
    expect(await said(refused(404, 'not found'))).toEqual([
      'MissingReference: spec.cost.prices.configMap: there is no ConfigMap mine; create it with the key prices.yaml',
    ])
    expect(await said({ data: { 'prices.yml': 'x' } })).toEqual([
      'MissingReference: spec.cost.prices.configMap: ConfigMap mine has no key prices.yaml; add it',
    ])
    expect(asked[0]).toBe('ConfigMap meetings/mine')
  })

  it('is right when it is there, and is not asked for once the meter runs with it, or where none is named', async () => {
    expect(await said({ data: { 'prices.yaml': 'currency: EUR' } })).toEqual([])
    const never = answering(new Error('asked for'))
    expect(await missingPriceList(never, mc, { ready: 1 })).toEqual([])
    expect(await missingPriceList(never, meetingCluster(), undefined)).toEqual([])
  })

  it('REQ-K1: a missing permission is said, and whatever passes is tried again', async () => {
    const forbidden = refused(403, 'User "x" cannot get resource "configmaps" in API group ""')
    expect(await said(forbidden)).toEqual([
      expect.stringMatching(/^Forbidden: .*lacks the verb "get" on "configmaps"/),
    ])
    await expect(said(refused(503, 'away'))).rejects.toThrow('away')
  })
})
