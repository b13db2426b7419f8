import type { WriterOrder } from './baseline-writer.ts'

export interface Template {
  requests: WriterOrder['requests']
  /** Objects of one MeetingCluster. */
  children: number
  /** Of the MeetingCluster that they are of, once they are there. */
  status: object
}

/** What a recorded text is in the namespace that has this place among others. */
export function filledIn(text: string, namespace: string, index: number): string {
  const uid = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
  return text.replaceAll('NAMESPACE', namespace).replaceAll('OWNER_UID', uid)
}
