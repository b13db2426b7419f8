/** Every error that this package throws at a user: a stable code, and a message that names the fix. */
export class RelayCostError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = new.target.name
    this.code = code
  }
}

/** A prices file or preset that cannot price every byte. */
export class PricesError extends RelayCostError {}

/** A report that was asked for in a way that has no answer. */
export class ReportRequestError extends RelayCostError {}
