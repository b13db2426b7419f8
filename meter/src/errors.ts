/** Every error that the meter shows to whoever runs it: a stable code, and a message with the fix. */
export class MeterError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The environment does not say all that the meter needs. */
export class MeterConfigError extends MeterError {}

/** The store cannot be opened, read or written. */
export class StoreError extends MeterError {}
