/** A worker that says when it is time: told how often, in ms; 0 is never. */
let timer: ReturnType<typeof setInterval> | undefined

addEventListener('message', ({ data: everyMs }: MessageEvent<number>) => {
  clearInterval(timer)
  timer = everyMs > 0 ? setInterval(() => postMessage(null), everyMs) : undefined
})
