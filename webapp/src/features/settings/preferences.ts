import { z } from 'zod'
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

const device = z.string().min(1).max(256).nullable().catch(null)
const on = (byDefault: boolean) => z.boolean().catch(byDefault)
const key = z.string().min(1).max(40).nullable()

const bindingsSchema = z
  .object({ mute: key, camera: key, share: key, leave: key, talk: key })
  .refine((bindings: Bindings) => areValid(bindings))

/** Each field stands for itself: one that is spoiled is the default again, and no other. */
const preferencesSchema = z.object({
  /** Device ids, as the browser gives them to this site; null: its default. */
  microphone: device,
  camera: device,
  speaker: device,
  noiseSuppression: on(true),
  echoCancellation: on(true),
  autoGainControl: on(true),
  /** Louder than this, in dB of full scale, is voice (REQ-P10). */
  thresholdDb: z.number().min(thresholdRangeDb.min).max(thresholdRangeDb.max).catch(-50),
  /** Meetings begin muted, and a held key talks. */
  pushToTalk: on(false),
  /** A sound when somebody joins or leaves. */
  joinSounds: on(true),
  quality: z.enum(qualityChoices).catch('auto'),
  shortcuts: bindingsSchema.catch({ ...defaultBindings }),
  volumes: z.array(z.tuple([z.string().max(128), z.number().min(0).max(volumeMax)])).catch([]),
})

export type Preferences = z.infer<typeof preferencesSchema>
export const initialPreferences: Preferences = preferencesSchema.parse({})

const storageKey = 'parley.preferences'

/** What a person chose on this device, from its local storage, whatever is in there. */
export function loadPreferences(storage: () => Pick<Storage, 'getItem'>): Preferences {
  try {
    const parsed = preferencesSchema.safeParse(JSON.parse(storage().getItem(storageKey) ?? '{}'))
    return parsed.success ? parsed.data : initialPreferences
  } catch {
    return initialPreferences // spoiled, or the browser keeps nothing for this site
  }
}

export function savePreferences(
  storage: () => Pick<Storage, 'setItem'>,
  preferences: Preferences,
): void {
  try {
    storage().setItem(storageKey, JSON.stringify(preferences))
  } catch {
    // Full, or the browser keeps nothing for this site: they hold for as long as the page does.
  }
}
