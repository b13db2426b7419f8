/** One moment of a long-running step, for a person who waits. */
export interface ProgressEvent {
  /** What is being done, for example `build kubernetes`. The same text from its start to its end. */
  readonly step: string
  readonly state: 'running' | 'done'
  /** How far, for example 120 of 900 packages. */
  readonly done?: number
  readonly total?: number
  readonly unit?: string
  readonly elapsedSeconds: number
  /** How long the step usually takes on two cores. */
  readonly usualSeconds?: number
}

export type OnProgress = (event: ProgressEvent) => void

/** Runs one step and reports its start, every five seconds of it, and its end. */
export async function step<T>(
  onProgress: OnProgress | undefined,
  name: string,
  usualSeconds: number | undefined,
  run: (report: (done: number, total: number, unit: string) => void) => Promise<T>,
): Promise<T> {
  const started = performance.now()
  let counts: Pick<ProgressEvent, 'done' | 'total' | 'unit'> = {}
  const emit = (state: ProgressEvent['state']) =>
    onProgress?.({
      step: name,
      state,
      elapsedSeconds: (performance.now() - started) / 1000,
      ...(usualSeconds === undefined ? {} : { usualSeconds }),
      ...(state === 'running' ? counts : {}),
    })
  emit('running')
  const heartbeat = setInterval(() => emit('running'), 5000)
  try {
    const result = await run((done, total, unit) => {
      counts = { done, total, unit }
      emit('running')
    })
    emit('done')
    return result
  } finally {
    clearInterval(heartbeat)
  }
}

/** `12 s`, `3 min 20 s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds)
  return whole < 90 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** One line of text for an event: what, how far, how long so far, how long it usually takes. */
export function formatProgress(event: ProgressEvent): string {
  const parts = [event.step]
  if (event.state === 'done') return `${event.step}: done in ${formatSeconds(event.elapsedSeconds)}`
  if (event.done !== undefined && event.total !== undefined) {
    parts.push(`${event.done} of ${event.total} ${event.unit ?? ''}`.trim())
  }
  if (event.elapsedSeconds >= 1) parts.push(formatSeconds(event.elapsedSeconds))
  if (event.usualSeconds !== undefined) {
    parts.push(`usually ${formatSeconds(event.usualSeconds)}`)
  }
  return parts.join(', ')
}

/**
 * Writes events as lines: on a terminal the line of a running step is overwritten; elsewhere each step's start and end
 * is a line, and one every 10 s between.
 */
export function printProgress(stream: NodeJS.WriteStream): OnProgress {
  const lastWritten = new Map<string, number>()
  return (event) => {
    const line = formatProgress(event)
    if (stream.isTTY) {
      stream.write(`\r\u001b[K${line}${event.state === 'done' ? '\n' : ''}`)
      return
    }
    const last = lastWritten.get(event.step)
    if (event.state === 'done' || last === undefined || event.elapsedSeconds - last >= 10) {
      lastWritten.set(event.step, event.elapsedSeconds)
      stream.write(`${line}\n`)
    }
  }
}
