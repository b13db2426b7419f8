import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { TrafficBatch } from '@parley/protocol'
import {
  addToKey,
  type BatchRows,
  newRows,
  rowsOf,
  type SampleFigures,
  type SampleKey,
} from './rows.ts'

/** Where samples are until the meter has them: a file for each batch, named by its source and number. */
export type WriteAhead = {
  /** Opens the file of the batch that comes next, so that no request waits for that. */
  begin(source: string, seq: number): void
  /** Notes a sample of that batch, whose first came at `at`; returns when the operating system has it. */
  append(at: number, line: string): void
  /** Deletes the file of a batch. */
  drop(source: string, seq: number): void
  close(): void
}

/** Without a folder: what was not sent goes with the process. */
export const noWriteAhead: WriteAhead = { begin() {}, append() {}, drop() {}, close() {} }

/**
 * Files of samples in a folder that is this server's alone. A write comes before the answer that it is of, and is in the
 * page cache when it returns: it outlives the process, however that ends, and not the machine.
 *
 * @param folder is there
 * @param onError told of each write that failed; the sample is then in memory alone
 */
export function writeAheadIn(folder: string, onError: (error: Error) => void): WriteAhead {
  let next = ''
  let open: { name: string; fd: number; isEmpty: boolean } | undefined

  const shut = () => {
    if (open === undefined) return
    const { name, fd, isEmpty } = open
    open = undefined
    closeSync(fd)
    if (isEmpty) rmSync(join(folder, name), { force: true })
  }
  const openNext = () => {
    open = { name: next, fd: openSync(join(folder, next), 'a'), isEmpty: true }
    return open
  }
  const attempt = (work: () => void) => {
    try {
      work()
    } catch (error) {
      onError(error as Error)
    }
  }
  return {
    begin(source, seq) {
      next = nameOf(source, seq)
      attempt(() => {
        shut()
        openNext()
      })
    },
    append(at, line) {
      try {
        // What could not be opened is tried again.
        const file = open ?? openNext()
        writeSync(file.fd, file.isEmpty ? `@${at}\n${line}` : line)
        file.isEmpty = false
      } catch (error) {
        onError(error as Error)
      }
    },
    drop: (source, seq) =>
      attempt(() => rmSync(join(folder, nameOf(source, seq)), { force: true })),
    close: () => attempt(shut),
  }
}

/**
 * Batches that another run left in the folder, in the order in which they were begun. A line that a killed process
 * did not finish is left out.
 */
export function readWriteAhead(folder: string): TrafficBatch[] {
  const found: TrafficBatch[] = []
  for (const name of listed(folder)) {
    const [, source, seq] = /^([A-Za-z0-9-]{8,64})\.(\d{1,15})\.samples$/.exec(name) ?? []
    if (source === undefined) continue
    const path = join(folder, name)
    const batch = parseSamples(readFileSync(path, 'utf8'))
    if (batch === undefined) rmSync(path, { force: true })
    else found.push({ source, seq: Number(seq), ...batch })
  }
  return found.sort((a, b) => (a.source < b.source ? -1 : a.source > b.source ? 1 : a.seq - b.seq))
}

/** A line of a sample; the first of its key says what the key is. */
export function sampleLine(
  index: number,
  key: SampleKey | undefined,
  [bucket, bytesIn, bytesOut]: SampleFigures,
): string {
  const sample = `${index} ${bucket} ${bytesIn} ${bytesOut}\n`
  return key === undefined ? sample : `=${index} ${JSON.stringify(key)}\n${sample}`
}

/** Undefined where nothing whole is in it. Lines that a full disk cut short are left out. */
export function parseSamples(text: string): Pick<TrafficBatch, 'at' | 'rows'> | undefined {
  const keys = new Map<number, SampleKey>()
  const rows: BatchRows = newRows()
  let at = Number.NaN
  // What comes after the last line end was not written to its end.
  for (const line of text.split('\n').slice(0, -1)) {
    const [, index = '', json = ''] = /^=(\d+) (\[.*\])$/.exec(line) ?? []
    const key = json && keyIn(json)
    if (key) keys.set(Number(index), key)
    else if (/^@\d+$/.test(line)) at = Number(line.slice(1))
    else if (/^\d+ -?\d+ \d+ \d+$/.test(line)) {
      const [of = -1, bucket = 0, bytesIn = 0, bytesOut = 0] = line.split(' ').map(Number)
      const known = keys.get(of)
      if (known) addToKey(rows, known, [bucket, bytesIn, bytesOut])
    }
  }
  if (Number.isNaN(at) || rows.all.length === 0) return undefined
  return { at, rows: rowsOf(rows) }
}

function keyIn(json: string): SampleKey | undefined {
  try {
    return JSON.parse(json) as SampleKey
  } catch {
    return undefined
  }
}

function nameOf(source: string, seq: number): string {
  return `${source}.${seq}.samples`
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
