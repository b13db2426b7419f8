import type { AdminTokenRequest } from '@parley/protocol'
import { protocolError } from '../../protocolShapes.ts'
import { read, type Shape } from '../../shape.ts'
import { AdminRefusal } from './AdminSession.ts'
import { adminCosts, adminTokenResponse, trafficLive, trafficSeries } from './adminShapes.ts'

const answerMs = 10_000

export function requestAdminToken(proof: AdminTokenRequest) {
  return ask('/api/admin/token', adminTokenResponse, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(proof),
  })
}

const get = <T>(path: string, shape: Shape<T>) => {
  return (token: string): Promise<T> =>
    ask(path, shape, { headers: { authorization: `Bearer ${token}` } })
}
export const readCosts = get('/api/admin/costs', adminCosts)
export const readHttp = get('/api/admin/http', trafficLive)
export const readHttpSeries = get('/api/admin/http/series', trafficSeries)

/** @throws {AdminRefusal} with the server's code */
async function ask<T>(path: string, shape: Shape<T>, init: RequestInit): Promise<T> {
  const response = await fetch(path, { ...init, signal: AbortSignal.timeout(answerMs) })
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return shape(body)
  const refusal = read(protocolError, body)
  if (refusal) throw new AdminRefusal(refusal.code, refusal.message)
  throw new Error(`the server answered ${response.status}`)
}
