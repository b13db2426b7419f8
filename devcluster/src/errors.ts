export type DevclusterErrorCode =
  | 'BUILD_FAILED'
  | 'DISK_FULL'
  | 'NAME_TAKEN'
  | 'NO_GO'
  | 'NO_ROOT'
  | 'NO_SUBNET'
  | 'NOT_RUNNING'
  | 'PACKAGES_MISSING'
  | 'PORT_IN_USE'
  | 'PROCESS_ENDED'
  | 'REQUEST_FAILED'
  | 'TIMED_OUT'
  | 'USAGE'

/** What went wrong in a devcluster; the message names the fix. */
export class DevclusterError extends Error {
  override readonly name = 'DevclusterError'
  readonly code: DevclusterErrorCode

  constructor(code: DevclusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
