import type { Notice } from './callState.ts'

/** More would cover what they are about. */
const linesMax = 3

/** One line of what is shown for a moment: who came or went, and how many more of the same kind. */
export type ToastLine = {
  key: number | Notice['kind']
  kind: Notice['kind']
  name: string
  others: number
}

/** Each by themselves while they are few; else one line for all who came, and one for all who went. */
export function toastLines(notices: readonly Notice[]): ToastLine[] {
  if (notices.length <= linesMax)
    return notices.map(({ id, kind, name }) => ({ key: id, kind, name, others: 0 }))
  return (['joined', 'left'] as const).flatMap((kind) => {
    const all = notices.filter((notice) => notice.kind === kind)
    const last = all.at(-1)
    return last ? [{ key: kind, kind, name: last.name, others: all.length - 1 }] : []
  })
}
