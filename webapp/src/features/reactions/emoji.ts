import type { Reaction } from '@parley/protocol'

export const emoji: Record<Reaction, string> = {
  like: '👍',
  love: '❤️',
  applause: '👏',
  laugh: '😂',
  surprise: '😮',
  celebrate: '🎉',
}
