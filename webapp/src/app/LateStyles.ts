import type { Clock } from '../clock.ts'

export type LateStylesOptions = {
  clock: Clock
  /** Asks for a style sheet and puts it into the page. @returns whether it came */
  load(href: string): Promise<boolean>
}

/** Until each further try: a server that is away for longer may have another version of the page by then. */
const againMs = [1000, 2000, 4000, 8000, 16_000]

const missed = /^Unable to preload CSS for (\S+)$/

/**
 * Styles that did not come. Vite waits for the styles of what is loaded, and gives all of it up where one fails: a page
 * would stay empty for want of the style of another one, in a call that goes on. So they hold nothing up, and are asked
 * for again.
 */
export class LateStyles {
  readonly #options: LateStylesOptions
  /** Those that are waited for: several parts of the page may want the same one. */
  readonly #wanted = new Set<string>()

  constructor(options: LateStylesOptions) {
    this.#options = options
  }

  /** Takes a `vite:preloadError`. One of code stays what it is: without its code nothing can go on. */
  take(event: Pick<VitePreloadErrorEvent, 'payload' | 'preventDefault'>): void {
    const href = missed.exec(event.payload.message)?.[1]
    if (href === undefined) return
    event.preventDefault()
    if (this.#wanted.has(href)) return
    this.#wanted.add(href)
    this.#tryAgain(href, 0)
  }

  #tryAgain(href: string, tries: number): void {
    const { clock, load } = this.#options
    const ms = againMs[tries]
    if (ms === undefined) return void this.#wanted.delete(href)
    clock.after(ms, async () => {
      if (await load(href)) this.#wanted.delete(href)
      else this.#tryAgain(href, tries + 1)
    })
  }
}

/** Into this page. */
export function loadStyle(href: string): Promise<boolean> {
  const link = document.createElement('link')
  link.rel = 'stylesheet'
  link.crossOrigin = ''
  link.href = href
  return new Promise((resolve) => {
    link.addEventListener('load', () => resolve(true))
    link.addEventListener('error', () => {
      link.remove()
      resolve(false)
    })
    document.head.append(link)
  })
}
