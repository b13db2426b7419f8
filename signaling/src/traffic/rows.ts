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
/** What a batch comes to so far: all rows by their index, and the few of each name, which are looked through. */
export type BatchRows = { readonly all: Row[]; readonly byName: Map<string, Row[]> }

export const newRows = (): BatchRows => ({ all: [], byName: new Map() })

/** Of a time that is not known: it is in no histogram. */
const noBucket = -1

/** Bucket, bytes in, bytes out. */
export type SampleFigures = readonly [number, number, number]

/** What is no number of bytes counts as none. */
export function figuresOf({ micros, bytesIn, bytesOut }: Sample): SampleFigures {
  const bucket = Number.isNaN(micros) ? noBucket : latencyBucket(micros)
  return [bucket, wholeBytes(bytesIn), wholeBytes(bytesOut)]
}

/**
 * Adds a sample to its row in a batch: its own, or that of all others once the batch has enough of them.
 * @returns the row, and whether it is the first of it
 */
export function addSample(
  rows: BatchRows,
  sample: Sample,
  figures: SampleFigures,
): { row: Row; isNew: boolean } {
  const known = findRow(rows, sample.protocol, sample.name, sample.method, sample.status)
  if (known === undefined) return addToKey(rows, keyFor(rows, sample), figures)
  addFigures(known, figures)
  return { row: known, isNew: false }
}

/** The same for what is known by its key. */
export function addToKey(
  rows: BatchRows,
  key: SampleKey,
  figures: SampleFigures,
): { row: Row; isNew: boolean } {
  const known = findRow(rows, ...key)
  const row = known ?? newRow(rows, key)
  addFigures(row, figures)
  return { row, isNew: known === undefined }
}

export function rowsOf(rows: BatchRows): TrafficRow[] {
  return rows.all.map(({ key, count, bytesIn, bytesOut, latency }) => ({
    protocol: key[0],
    name: key[1],
    method: key[2],
    status: key[3],
    ...{ count, bytesIn, bytesOut, latency: encodeLatencies(latency) },
  }))
}

function keyFor(rows: BatchRows, { protocol, name, method, status }: Sample): SampleKey {
  const key: SampleKey = [protocol, name.slice(0, 200), method.slice(0, 16), status.slice(0, 16)]
  // Of the last places one is kept for each protocol.
  return rows.all.length < trafficRowsMax - 2 || findRow(rows, ...key)
    ? key
    : [protocol, otherTraffic, otherTraffic, otherTraffic]
}

function findRow(rows: BatchRows, ...[protocol, name, method, status]: SampleKey): Row | undefined {
  return rows.byName
    .get(name)
    ?.find(({ key }) => key[3] === status && key[2] === method && key[0] === protocol)
}

function newRow({ all, byName }: BatchRows, key: SampleKey): Row {
  const row: Row = { index: all.length, key, count: 0, bytesIn: 0, bytesOut: 0, latency: new Map() }
  all.push(row)
  const ofName = byName.get(key[1])
  if (ofName) ofName.push(row)
  else byName.set(key[1], [row])
  return row
}

function addFigures(row: Row, [bucket, bytesIn, bytesOut]: SampleFigures): void {
  row.count += 1
  row.bytesIn += bytesIn
  row.bytesOut += bytesOut
  if (bucket !== noBucket) addLatency(row.latency, bucket)
}

function wholeBytes(bytes: number): number {
  return bytes > 0 && bytes < 2 ** 40 ? Math.floor(bytes) : 0
}
