import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, rename } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { messagesEach, statsdb } from './synthetic.ts'

/** How many lines a stream of at least so many has: each allocation is said to its end. */
export function linesOf(atLeast: number): number {
  return Math.ceil(atLeast / messagesEach) * messagesEach
}

/** Writes a recorded stream of at least so many lines. */
export async function writeStream(path: string, lines: number, signal: AbortSignal): Promise<void> {
  const file = createWriteStream(`${path}.part`, { highWaterMark: 1 << 20 })
  let text = ''
  for (const message of statsdb(lines)) {
    text += `${JSON.stringify(message)}\n`
    if (text.length < 1 << 18) continue
    signal.throwIfAborted()
    if (!file.write(text)) await once(file, 'drain')
    text = ''
  }
  file.end(text)
  await once(file, 'finish')
  await rename(`${path}.part`, path)
}

/** Reads a file and counts its lines, as `cat FILE | wc -l` does; seconds. */
export async function readOnly(path: string): Promise<number> {
  const began = performance.now()
  let lines = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    for (
      let at = (chunk as Buffer).indexOf(10);
      at >= 0;
      at = (chunk as Buffer).indexOf(10, at + 1)
    )
      lines += 1
  if (lines === 0) throw new Error(`${path} has no lines`)
  return (performance.now() - began) / 1000
}

export interface ReplayFigures {
  seconds: number
  peakMebibytes: number
}

/** `parley cost replay` of a file, in a process of its own. */
export async function replayFile(
  path: string,
  resultFile: string,
  signal: AbortSignal,
): Promise<ReplayFigures> {
  const script = fileURLToPath(new URL('./replay-process.ts', import.meta.url))
  const began = performance.now()
  await execa(process.execPath, [script, resultFile, path], {
    cancelSignal: signal,
    stdout: 'ignore',
  })
  const seconds = (performance.now() - began) / 1000
  const { maxRssKibibytes } = JSON.parse(await readFile(resultFile, 'utf8')) as {
    maxRssKibibytes: number
  }
  return { seconds, peakMebibytes: maxRssKibibytes / 1024 }
}
