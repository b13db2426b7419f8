export type ImagesErrorCode =
  | 'BUILD_FAILED'
  | 'BUNDLE_FAILED'
  | 'DISK_FULL'
  | 'NO_ROOT'
  | 'SOURCE_MISSING'
  | 'USAGE'

/** What went wrong while building images; the message names the fix. */
export class ImagesError extends Error {
  override readonly name = 'ImagesError'
  readonly code: ImagesErrorCode

  constructor(code: ImagesErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
