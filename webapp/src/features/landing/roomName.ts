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
