/** One moment of a long-running step, for a person who waits. The same shape as devcluster's. */
export interface ImageProgress {
  /** What is being done, for example `build parley-coturn`. The same text from its start to its end. */
  readonly step: string
  readonly state: 'running' | 'done'
  /** How far, for example 3 of 12 instructions. */
  readonly done?: number
  readonly total?: number
  readonly unit?: string
  readonly elapsedSeconds: number
  /** How long the step usually takes on two cores. */
  readonly usualSeconds?: number
}

export type OnProgress = (event: ImageProgress) => void

/** Runs one step and reports its start, every five seconds of it, and its end. */
export async function step<T>(
  onProgress: OnProgress | undefined,
  name: string,
  usualSeconds: number,
  run: (report: (done: number, total: number, unit: string) => void) => Promise<T>,
): Promise<T> {
  const started = performance.now()
  let counts: Partial<ImageProgress> = {}
  const emit = (state: ImageProgress['state']) =>
    onProgress?.({
      step: name,
      state,
      elapsedSeconds: (performance.now() - started) / 1000,
      usualSeconds,
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
