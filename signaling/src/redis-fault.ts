/** What Redis answers although it is there: our mistake, unless it names a state of its own. */
export function isFault(error: unknown): error is Error {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return false
  return !/^(LOADING|READONLY|MASTERDOWN|BUSY|OOM|MISCONF|NOAUTH|WRONGPASS|NOPERM)\b/.test(
    error.message,
  )
}
