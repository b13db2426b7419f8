import { type ChatMessage, type ChatSend, chatHistoryMax } from '@parley/protocol'
import { type RoomKey, roomName } from './room-store.ts'

/** Who wrote, and what. */
export type Said = ChatSend & Pick<ChatMessage, 'from' | 'name'>

/**
 * What was said in rooms: the last {@link chatHistoryMax} messages of each, for as long as anybody is there and
 * {@link chatTailMs} more, so that whoever is alone and reloads the page finds what was written; but no longer where
 * the room was locked, or the meeting ended.
 *
 * Every method throws SignalingError `unavailable` when the store cannot be reached.
 */
export type ChatHistory = {
  /**
   * Keeps a message, once: said again, it keeps its place and its time.
   * @returns when it was said, and the message as it is kept: undefined where it is so old that it no longer is
   */
  say(key: RoomKey, said: Said): Promise<{ at: number; message: ChatMessage | undefined }>
  /** The messages that are kept, oldest first. */
  said(key: RoomKey): Promise<ChatMessage[]>
}

/** Ids that are known for having been said, also where the message is no longer kept. */
export const chatIdsMax = 1000
/** How long what was said outlives the last seat. */
export const chatTailMs = 10_000

type Chat = { ids: Map<string, number>; messages: ChatMessage[]; lastAt: number; endsAt: number }

/** The chat of rooms of one process. */
export function memoryChat(now: () => number) {
  const chats = new Map<string, Chat>()

  const chatOf = (key: RoomKey): Chat | undefined => {
    const chat = chats.get(roomName(key))
    return chat && chat.endsAt > now() ? chat : undefined
  }
  const begin = (key: RoomKey): Chat => {
    const chat: Chat = { ids: new Map(), messages: [], lastAt: 0, endsAt: Number.POSITIVE_INFINITY }
    chats.set(roomName(key), chat)
    return chat
  }

  const history: ChatHistory = {
    async say(key, said) {
      const chat = chatOf(key) ?? begin(key)
      const known = chat.ids.get(said.id)
      if (known !== undefined)
        return { at: known, message: chat.messages.find(({ id }) => id === said.id) }
      const message = { ...said, at: Math.max(now(), chat.lastAt + 1) }
      chat.lastAt = message.at
      chat.ids.set(said.id, message.at)
      chat.messages.push(message)
      if (chat.messages.length > chatHistoryMax) chat.messages.shift()
      for (const id of chat.ids.keys()) {
        if (chat.ids.size <= chatIdsMax) break
        chat.ids.delete(id)
      }
      return { at: message.at, message }
    },
    async said(key) {
      return [...(chatOf(key)?.messages ?? [])]
    },
  }
  return {
    ...history,
    /** Somebody has a seat: what was said stays. */
    occupied(room: string) {
      const chat = chats.get(room)
      if (chat) chat.endsAt = chat.endsAt > now() ? Number.POSITIVE_INFINITY : 0
      for (const [name, { endsAt }] of chats) if (endsAt <= now()) chats.delete(name)
    },
    /** The meeting is over, and whoever comes next is not of it. */
    forget(room: string) {
      chats.delete(room)
    },
    /** Nobody has one any more. */
    emptied(room: string) {
      const chat = chats.get(room)
      if (chat) chat.endsAt = now() + chatTailMs
    },
  }
}
