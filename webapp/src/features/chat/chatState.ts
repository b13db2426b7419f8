import type { ChatEntry } from './ChatLog.ts'

export type ChatState = {
  entries: readonly ChatEntry[]
  /** Messages of others that came while the chat was closed. */
  unread: number
  /** The newest of them, for a moment. */
  toast: { id: string; name: string; text: string } | null
}

export const initialChat: ChatState = { entries: [], unread: 0, toast: null }
