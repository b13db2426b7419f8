import {
  fields,
  flag,
  list,
  number,
  oneOf,
  orElse,
  orNull,
  pair,
  readJson,
  type Shape,
  text,
} from '../../shape.ts'
import { areValid, type Bindings, defaultBindings } from '../voice/shortcutBindings.ts'
import { volumeMax } from '../voice/Volumes.ts'

export const thresholdRangeDb = { min: -80, max: -20 } as const

/** What the camera is asked for, and what one direct link sends of it at most. */
export const qualityLevels = {
  high: { width: 1280, height: 720, fps: 30, kbps: 1500 },
  standard: { width: 640, height: 360, fps: 24, kbps: 600 },
  low: { width: 320, height: 180, fps: 15, kbps: 200 },
} as const
/** `auto`: as much as the connection carries, `high` at most. */
export const qualityChoices = ['auto', 'high', 'standard', 'low'] as const
export type QualityChoice = (typeof qualityChoices)[number]

const device = orElse(orNull(text(1, 256)), () => null)
const on = (byDefault: boolean) => orElse(flag, () => byDefault)
const key = orNull(text(1, 40))

const anyBindings = fields({ mute: key, camera: key, share: key, leave: key, talk: key })
const bindings: Shape<Bindings> = (value) => {
  const found = anyBindings(value)
  if (!areValid(found)) throw new TypeError('not keys that can be told apart')
  return found
}

/** Each field stands for itself: one that is spoiled is the default again, and no other. */
const preferences = fields({
  /** Device ids, as the browser gives them to this site; null: its default. */
  microphone: device,
  camera: device,
  speaker: device,
  noiseSuppression: on(true),
  echoCancellation: on(true),
  autoGainControl: on(true),
  /** Louder than this, in dB of full scale, is voice (REQ-P10). */
  thresholdDb: orElse(number(thresholdRangeDb.min, thresholdRangeDb.max), () => -50),
  /** Meetings begin muted, and a held key talks. */
  pushToTalk: on(false),
  /** A sound when somebody joins or leaves. */
  joinSounds: on(true),
  quality: orElse<QualityChoice>(oneOf(qualityChoices), () => 'auto'),
  shortcuts: orElse(bindings, () => ({ ...defaultBindings })),
  volumes: orElse(list(pair(text(0, 128), number(0, volumeMax))), () => []),
})

export type Preferences = ReturnType<typeof preferences>
export const initialPreferences: Preferences = preferences({})

const storageKey = 'parley.preferences'

/** What a person chose on this device, from its local storage, whatever is in there. */
export function loadPreferences(storage: () => Pick<Storage, 'getItem'>): Preferences {
  try {
    return readJson(preferences, storage().getItem(storageKey)) ?? initialPreferences
  } catch {
    return initialPreferences // the browser keeps nothing for this site
  }
}

export function savePreferences(
  storage: () => Pick<Storage, 'setItem'>,
  chosen: Preferences,
): void {
  try {
    storage().setItem(storageKey, JSON.stringify(chosen))
  } catch {
    // Full, or the browser keeps nothing for this site: they hold for as long as the page does.
  }
}
