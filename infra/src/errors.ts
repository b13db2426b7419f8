/** What is wrong with a configuration, a plan or a command; the message names the fix. */
export class InfraError extends Error {
  /** `CONFIG`, `CONFIG_VERSION`, `POLICY`, `OUTPUTS`, `DATA_LOSS`, `COST`. */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'InfraError'
    this.code = code
  }
}
