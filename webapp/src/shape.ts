/**
 * Reads a value that came from outside, and keeps what is known of it. Throws a TypeError where it has another form.
 *
 * A page reads little before somebody joins, and a schema library is a seventh of all that it may load by then. What
 * is read with these is the same as with the schemas of the protocol, which a test holds against them.
 */
export type Shape<T> = (value: unknown) => T

/** Of a field that may be left out. */
type Optional<T> = Shape<T | undefined> & { readonly optional: true }
type Shapes = Record<string, Shape<unknown>>
type OptionalKey<S extends Shapes> = {
  [K in keyof S]: S[K] extends { optional: true } ? K : never
}[keyof S]
type Fields<S extends Shapes> = {
  [K in Exclude<keyof S, OptionalKey<S>>]: ReturnType<S[K]>
} & { [K in OptionalKey<S>]?: Exclude<ReturnType<S[K]>, undefined> }

/** @returns undefined where the value has another form */
export function read<T>(shape: Shape<T>, value: unknown): T | undefined {
  try {
    return shape(value)
  } catch {
    return undefined
  }
}

/** The same of JSON. */
export function readJson<T>(shape: Shape<T>, text: string | null): T | undefined {
  return read((value) => shape(JSON.parse(String(value))), text)
}

function check(holds: boolean, wanted: string): asserts holds {
  if (!holds) throw new TypeError(`not ${wanted}`)
}

/** Of so many UTF-16 units. */
export const text =
  (min = 0, max = Number.POSITIVE_INFINITY): Shape<string> =>
  (value) => {
    check(typeof value === 'string' && value.length >= min && value.length <= max, 'such a text')
    return value
  }

export const matching =
  (...patterns: readonly RegExp[]): Shape<string> =>
  (value) => {
    const found = text()(value)
    check(
      patterns.every((pattern) => pattern.test(found)),
      'a text of that form',
    )
    return found
  }

export const number =
  (min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Shape<number> =>
  (value) => {
    check(Number.isFinite(value), 'a number')
    check((value as number) >= min && (value as number) <= max, 'a number of that range')
    return value as number
  }

export const flag: Shape<boolean> = (value) => {
  check(typeof value === 'boolean', 'true or false')
  return value
}

export const oneOf =
  <const T>(choices: readonly T[]): Shape<T> =>
  (value) => {
    check(choices.includes(value as T), 'one of the choices')
    return value as T
  }

export const orNull =
  <T>(shape: Shape<T>): Shape<T | null> =>
  (value) =>
    value === null ? null : shape(value)

export const optional = <T>(shape: Shape<T>): Optional<T> =>
  Object.assign((value: unknown) => (value === undefined ? undefined : shape(value)), {
    optional: true as const,
  })

/** What has another form is taken to be this. */
export const orElse =
  <T>(shape: Shape<T>, instead: () => T): Shape<T> =>
  (value) =>
    read(shape, value) ?? instead()

export const list =
  <T>(shape: Shape<T>, min = 0): Shape<T[]> =>
  (value) => {
    check(Array.isArray(value) && value.length >= min, 'such a list')
    return value.map((one) => shape(one))
  }

export const pair =
  <A, B>(first: Shape<A>, second: Shape<B>): Shape<[A, B]> =>
  (value) => {
    check(Array.isArray(value) && value.length === 2, 'a pair')
    return [first(value[0]), second(value[1])]
  }

/** Of an object; fields that are not named are left out. */
export const fields =
  <S extends Shapes>(shapes: S): Shape<Fields<S>> =>
  (value) => {
    check(typeof value === 'object' && value !== null && !Array.isArray(value), 'an object')
    const found: Record<string, unknown> = {}
    for (const [key, shape] of Object.entries(shapes)) {
      const field = shape((value as Record<string, unknown>)[key])
      if (field !== undefined) found[key] = field
    }
    return found as Fields<S>
  }

/** One of several objects, by what they say in a field. */
export const variant =
  <K extends string, T>(key: K, shapes: Record<string, Shape<T>>): Shape<T> =>
  (value) => {
    const says = fields({ [key]: text() })(value) as Record<string, string>
    const shape = Object.hasOwn(shapes, says[key] ?? '') && shapes[says[key] ?? '']
    check(typeof shape === 'function', 'one of the forms')
    return shape(value)
  }
