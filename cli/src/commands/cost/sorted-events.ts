import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareRecorded, type Recorded, readRecorded } from '@parley/relay-cost'

/** Events held in memory at a time: about 60 MB. */
const runLength = 20_000
/** Files that are read side by side; as many are then made one. */
const mostFiles = 64
const readBytes = 64 * 1024
const writeLines = 1000

/**
 * Events in the order in which they are counted, however many there are and in whatever order they
 * come. What does not fit in memory goes, sorted, to files in a temporary folder; these are then read
 * side by side. Memory does not grow with their number.
 */
export class SortedEvents {
  #run: Recorded[] = []
  #files: string[] = []
  #written = 0
  #folder: string | undefined
  #runLength: number
  #parent: string

  /** @param parent of the temporary folder */
  constructor(length = runLength, parent = tmpdir()) {
    this.#runLength = length
    this.#parent = parent
  }

  /** @throws Error that names the folder where it is full or not writable */
  add(recorded: Recorded): void {
    this.#run.push(recorded)
    if (this.#run.length >= this.#runLength) this.#writeRun()
  }

  /** All of them, in order. */
  *[Symbol.iterator](): Generator<Recorded> {
    yield* merged([...this.#files.map(readRun), this.#run.sort(compareRecorded).values()])
  }

  /** Removes the files. */
  close(): void {
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true })
  }

  #writeRun(): void {
    this.#write(this.#run.sort(compareRecorded))
    this.#run = []
    if (this.#files.length < mostFiles) return
    const parts = this.#files
    this.#files = []
    this.#write(merged(parts.map(readRun)))
    for (const part of parts) rmSync(part)
  }

  #write(sorted: Iterable<Recorded>): void {
    try {
      this.#folder ??= mkdtempSync(join(this.#parent, 'parley-replay-'))
      const file = join(this.#folder, String(this.#written))
      this.#written += 1
      this.#files.push(file)
      const out = openSync(file, 'w')
      try {
        let lines: string[] = []
        const flush = () => {
          // Unlike `writeSync`, it writes on where a disk that fills up took a part.
          if (lines.length > 0) writeFileSync(out, `${lines.join('\n')}\n`)
          lines = []
        }
        for (const { line } of sorted) if (lines.push(JSON.stringify(line)) >= writeLines) flush()
        flush()
      } finally {
        closeSync(out)
      }
    } catch (error) {
      throw new Error(
        `cannot sort the events in ${this.#folder ?? this.#parent}: ${(error as Error).message}; set TMPDIR to a folder with space for twice as much as the file has`,
        { cause: error },
      )
    }
  }
}

/** The events of runs that are in order, in order. */
function* merged(runs: Iterable<Iterator<Recorded>>): Generator<Recorded> {
  const heads: { recorded: Recorded; run: Iterator<Recorded> }[] = []
  const put = (run: Iterator<Recorded>) => {
    const { value, done } = run.next()
    if (done) return
    let [low, high] = [0, heads.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const head = heads[middle]
      // The least stands last, where it is taken off.
      if (head && compareRecorded(head.recorded, value) > 0) low = middle + 1
      else high = middle
    }
    heads.splice(low, 0, { recorded: value, run })
  }
  for (const run of runs) put(run)
  for (let head = heads.pop(); head; head = heads.pop()) {
    yield head.recorded
    put(head.run)
  }
}

function* readRun(file: string): Generator<Recorded> {
  const input = openSync(file, 'r')
  try {
    const chunk = Buffer.alloc(readBytes)
    let rest: Buffer = Buffer.alloc(0)
    for (;;) {
      const length = readSync(input, chunk)
      const bytes = Buffer.concat([rest, chunk.subarray(0, length)])
      const end = bytes.lastIndexOf(10)
      rest = bytes.subarray(end + 1)
      for (const text of bytes.subarray(0, Math.max(end, 0)).toString().split('\n')) {
        const recorded = readRecorded(text)
        if (!recorded) continue
        if ('rejected' in recorded) throw broken(file, recorded.rejected)
        yield recorded
      }
      if (length > 0) continue
      if (rest.length > 0) throw broken(file, 'its last line is cut')
      return
    }
  } finally {
    closeSync(input)
  }
}

/** What was written there was an event: to leave it out would change the report. */
function broken(file: string, reason: string): Error {
  return new Error(
    `the sorted events in ${file} cannot be read back (${reason}); set TMPDIR to a folder that nothing else writes to, with space for twice as much as the events have`,
  )
}
