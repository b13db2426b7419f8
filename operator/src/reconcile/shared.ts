/**
 * One copy of what many objects have in common: names of owners and namespaces in their children, sections of specs
 * that are nothing but defaults. Thousands of MeetingClusters differ in a few words.
 */

/** Beyond these the tables start anew: what was shared stays shared, and what is gone is let go. */
const MAX_TEXTS = 50_000
const MAX_VALUES = 2_000

const texts = new Map<string, string>()
const values = new Map<string, unknown>()

/** A string equal to this one, and the same for all that are equal. */
export function sharedText<T extends string | undefined>(text: T): T {
  if (text === undefined) return text
  const known = texts.get(text)
  if (known !== undefined) return known as T
  if (texts.size >= MAX_TEXTS) texts.clear()
  texts.set(text, text)
  return text
}

/** The object with each of its members replaced by an equal one that others have, too. Nobody may change them. */
export function withSharedMembers<T extends object>(object: T): T {
  return Object.fromEntries(
    Object.entries(object).map(([key, member]) => [key, sharedValue(member)]),
  ) as T
}

function sharedValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const text = JSON.stringify(value)
  const known = values.get(text)
  if (known !== undefined) return known
  if (values.size >= MAX_VALUES) values.clear()
  values.set(text, value)
  return value
}
