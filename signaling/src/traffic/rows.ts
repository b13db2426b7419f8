import {
  addLatency,
  encodeLatencies,
  type LatencyHistogram,
  latencyBucket,
  otherTraffic,
  type TrafficProtocol,
  type TrafficRow,
  trafficRowsMax,
} from '@parley/protocol'

/** One request, or one sample of media. */
export type Sample = {
  protocol: TrafficProtocol
  /** See TrafficRow. */
  name: string
  method: string
  status: string
  /** How long it took, or its round trip; NaN where that is not known. */
  micros: number
  bytesIn: number
  bytesOut: number
}

/** Protocol, name, method, status. */
export type SampleKey = readonly [TrafficProtocol, string, string, string]
export type Row = {
  index: number
  key: SampleKey
  count: number
  bytesIn: number
  bytesOut: number
  latency: LatencyHistogram
}
/** What a batch comes to so far, by its keys as one text. */
export type BatchRows = Map<string, Row>

export const newRows = (): BatchRows => new Map()

/** Of a time that is not known: it is in no histogram. */
const noBucket = -1

/** Bucket, bytes in, bytes out. What is no number of bytes counts as none. */
export function figuresOf({ micros, bytesIn, bytesOut }: Sample): [number, number, number] {
  const bucket = Number.isNaN(micros) ? noBucket : latencyBucket(micros)
  return [bucket, wholeBytes(bytesIn), wholeBytes(bytesOut)]
}

/** The key of a sample in a batch: its own, or that of all others once the batch has enough of them. */
export function keyFor(rows: BatchRows, { protocol, name, method, status }: Sample): SampleKey {
  const key: SampleKey = [protocol, name.slice(0, 200), method.slice(0, 16), status.slice(0, 16)]
  // Of the last places one is kept for each protocol.
  return rows.size < trafficRowsMax - 2 || rows.has(textOf(key))
    ? key
    : [protocol, otherTraffic, otherTraffic, otherTraffic]
}

/** @returns its row, and whether it is the first of it */
export function addSample(
  rows: BatchRows,
  key: SampleKey,
  [bucket, bytesIn, bytesOut]: readonly [number, number, number],
): { row: Row; isNew: boolean } {
  const text = textOf(key)
  const known = rows.get(text)
  const row = known ?? {
    index: rows.size,
    key,
    count: 0,
    bytesIn: 0,
    bytesOut: 0,
    latency: new Map(),
  }
  row.count += 1
  row.bytesIn += bytesIn
  row.bytesOut += bytesOut
  if (bucket !== noBucket) addLatency(row.latency, bucket)
  if (known === undefined) rows.set(text, row)
  return { row, isNew: known === undefined }
}

export function rowsOf(rows: BatchRows): TrafficRow[] {
  return [...rows.values()].map(({ key, count, bytesIn, bytesOut, latency }) => ({
    protocol: key[0],
    name: key[1],
    method: key[2],
    status: key[3],
    ...{ count, bytesIn, bytesOut, latency: encodeLatencies(latency) },
  }))
}

function textOf(key: SampleKey): string {
  return `${key[0]}\n${key[2]}\n${key[3]}\n${key[1]}`
}

function wholeBytes(bytes: number): number {
  return bytes > 0 && bytes < 2 ** 40 ? Math.floor(bytes) : 0
}
