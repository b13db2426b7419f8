import { slug } from '../../protocolShapes.ts'
import { read } from '../../shape.ts'

const moods = [
  'amber',
  'brave',
  'bright',
  'calm',
  'clever',
  'cosy',
  'daring',
  'early',
  'fair',
  'gentle',
  'golden',
  'happy',
  'honest',
  'jolly',
  'keen',
  'kind',
  'lively',
  'lucky',
  'mellow',
  'merry',
  'noble',
  'open',
  'patient',
  'quick',
  'quiet',
  'ready',
  'silver',
  'smart',
  'sunny',
  'swift',
  'true',
  'warm',
] as const
const beings = [
  'badger',
  'beaver',
  'crane',
  'dolphin',
  'falcon',
  'finch',
  'fox',
  'gecko',
  'gull',
  'hare',
  'heron',
  'ibis',
  'jay',
  'koala',
  'lark',
  'lemur',
  'lynx',
  'marten',
  'moose',
  'newt',
  'otter',
  'owl',
  'panda',
  'puffin',
  'quail',
  'raven',
  'robin',
  'seal',
  'stork',
  'swan',
  'tern',
  'wren',
] as const

/**
 * A room name that can be said on the telephone: `calm-otter-4821`.
 * @param random 0 ≤ random() < 1
 */
export function suggestRoomName(random: () => number): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)]
  return `${pick(moods)}-${pick(beings)}-${1000 + Math.floor(random() * 9000)}`
}

/**
 * The room that somebody means by what was typed or pasted: a link to one, or its name.
 * Spaces become dashes. Undefined where that leaves no valid name.
 */
export function roomFromInput(input: string): string | undefined {
  const text = input.trim()
  const linked = /\/r\/([^/?#\s]+)/.exec(text)?.[1]
  return read(slug, linked ?? text.replace(/\s+/g, '-'))
}

/**
 * The path of that room, with what a pasted link has after its `#`: an invitation, which lets its bearer in, and the key
 * of an encrypted call. Undefined where there is no valid name.
 */
export function pathFromInput(input: string): string | undefined {
  const room = roomFromInput(input)
  if (room === undefined) return undefined
  const given = new URLSearchParams(input.trim().split('#')[1])
  const kept = new URLSearchParams()
  for (const [name, value] of given) if (name === 'invite' || name === 'e2ee') kept.set(name, value)
  const fragment = kept.toString()
  return fragment === '' ? `/r/${room}` : `/r/${room}#${fragment}`
}
