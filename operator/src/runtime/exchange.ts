import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface ExchangeOptions extends Dispatcher.DispatchOptions {
  signal?: AbortSignal | undefined
  /** Of the answer. Default: whatever comes. */
  maxBytes?: number | undefined
  /** What an answer of more bytes is refused with. */
  tooLong?: (() => Error) | undefined
  /** Says who takes the body piece by piece; nobody: it is in the answer. */
  reader?: ((status: number, headers: IncomingHttpHeaders) => BodyReader | undefined) | undefined
}

/** Takes the pieces of a body as they come in. What it throws ends the request. */
export type BodyReader = (chunk: Buffer) => void

/**
 * One request and the whole of its answer. undici's own `request` makes a stream of every answer, which costs more than
 * all else there is to do for a small one.
 *
 * @throws what undici throws, the signal's reason, or `tooLong()`
 */
export function exchange(
  dispatcher: Pick<Dispatcher, 'dispatch'>,
  { signal, maxBytes, tooLong, reader, ...options }: ExchangeOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const handler = new AnswerHandler(resolve, reject, { signal, maxBytes, tooLong, reader })
    dispatcher.dispatch(options, handler)
  })
}

const EMPTY = Buffer.alloc(0)

type How = Pick<ExchangeOptions, 'signal' | 'maxBytes' | 'tooLong' | 'reader'>

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: Error) => void
  readonly #bounds: How
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #body: Buffer = EMPTY
  #chunks: Buffer[] | undefined
  #bytes = 0
  #reader: BodyReader | undefined

  constructor(resolve: (answer: Answer) => void, reject: (error: Error) => void, bounds: How) {
    this.#resolve = resolve
    this.#reject = reject
    this.#bounds = bounds
    bounds.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#bounds.signal?.aborted) this.#onAbort()
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status
    this.#headers = headers
    this.#reader = this.#bounds.reader?.(status, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { maxBytes, tooLong } = this.#bounds
    this.#bytes += chunk.length
    if (maxBytes !== undefined && this.#bytes > maxBytes) {
      controller.abort(tooLong?.() ?? new Error(`an answer of more than ${maxBytes} bytes`))
      return
    }
    if (this.#reader) {
      try {
        this.#reader(chunk)
      } catch (error) {
        controller.abort(error as Error)
      }
      return
    }
    // Most answers are one chunk.
    if (this.#chunks) this.#chunks.push(chunk)
    else if (this.#body.length > 0) this.#chunks = [this.#body, chunk]
    else this.#body = chunk
  }

  onResponseEnd(): void {
    this.#end()
    const body = this.#chunks ? Buffer.concat(this.#chunks) : this.#body
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end()
    this.#reject(error)
  }

  readonly #onAbort = () => {
    this.#controller?.abort(this.#bounds.signal?.reason as Error)
  }

  #end() {
    this.#bounds.signal?.removeEventListener('abort', this.#onAbort)
  }
}
