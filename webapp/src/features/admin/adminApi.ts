import {
  type AdminTokenRequest,
  adminCostsSchema,
  adminTokenResponseSchema,
  protocolErrorSchema,
  trafficLiveSchema,
  trafficSeriesSchema,
} from '@parley/protocol'
import { AdminRefusal } from './AdminSession.ts'

const answerMs = 10_000

type Schema<T> = { parse(value: unknown): T }

export function requestAdminToken(proof: AdminTokenRequest) {
  return ask('/api/admin/token', adminTokenResponseSchema, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(proof),
  })
}

const get = <T>(path: string, schema: Schema<T>) => {
  return (token: string): Promise<T> =>
    ask(path, schema, { headers: { authorization: `Bearer ${token}` } })
}
export const readCosts = get('/api/admin/costs', adminCostsSchema)
export const readHttp = get('/api/admin/http', trafficLiveSchema)
export const readHttpSeries = get('/api/admin/http/series', trafficSeriesSchema)

/** @throws {AdminRefusal} with the server's code */
async function ask<T>(path: string, schema: Schema<T>, init: RequestInit): Promise<T> {
  const response = await fetch(path, { ...init, signal: AbortSignal.timeout(answerMs) })
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return schema.parse(body)
  const refusal = protocolErrorSchema.safeParse(body)
  if (refusal.success) throw new AdminRefusal(refusal.data.code, refusal.data.message)
  throw new Error(`the server answered ${response.status}`)
}
