import { Gathered } from './gathered.ts'

/**
 * Reads what the API server sends as `application/vnd.kubernetes.protobuf`. Of each message only the fields that
 * somebody named are read, and the rest is stepped over: objects cost as much as is wanted of them, not as much as
 * is in them. Numbers of fields are those of the `generated.proto` files of Kubernetes, which never change.
 */

/** Fields of a message by their number. */
export interface Message {
  readonly [number: number]: Field
}

export interface Field {
  readonly name: string
  /**
   * `map`: of strings to strings. `json`: bytes that are JSON text, as text. `bytes`: as they came in, in the memory
   * of what came in: whoever keeps them keeps all of it, and of a list they are there only while its reader is called.
   */
  readonly type:
    | 'string'
    | 'int'
    | 'bool'
    | 'time'
    | 'intOrString'
    | 'map'
    | 'json'
    | 'bytes'
    | Message
  readonly repeated?: true
  /** Of a map: these keys alone, which are ASCII. Default: all. */
  readonly keys?: readonly string[]
}

/** What an object looks like of which a message is read. */
export type Decoded<M extends Message> = {
  -readonly [N in keyof M as M[N] extends Field ? M[N]['name'] : never]?: M[N] extends Field
    ? M[N] extends { repeated: true }
      ? DecodedValue<M[N]['type']>[]
      : DecodedValue<M[N]['type']>
    : never
}

type DecodedValue<T extends Field['type']> = T extends 'string' | 'time' | 'json'
  ? string
  : T extends 'int'
    ? number
    : T extends 'bool'
      ? boolean
      : T extends 'intOrString'
        ? number | string
        : T extends 'map'
          ? Record<string, string>
          : T extends 'bytes'
            ? Buffer
            : T extends Message
              ? Decoded<T>
              : never

const TIME: Message = { 1: { name: 'seconds', type: 'int' } }
const INT_OR_STRING: Message = {
  1: { name: 'type', type: 'int' },
  2: { name: 'int', type: 'int' },
  3: { name: 'text', type: 'string' },
}

const RAW: Message = { 1: { name: 'raw', type: 'json' } }
const RAW_BYTES: Message = { 1: { name: 'raw', type: 'bytes' } }

const MANAGED_FIELDS = {
  1: { name: 'manager', type: 'string' },
  2: { name: 'operation', type: 'string' },
  7: { name: 'fieldsV1', type: RAW },
  8: { name: 'subresource', type: 'string' },
} as const satisfies Message

/** k8s.io/apimachinery/pkg/apis/meta/v1 ObjectMeta, as far as `ObjectMeta` in resources.ts goes. */
export const OBJECT_META: Message = {
  1: { name: 'name', type: 'string' },
  3: { name: 'namespace', type: 'string' },
  5: { name: 'uid', type: 'string' },
  6: { name: 'resourceVersion', type: 'string' },
  7: { name: 'generation', type: 'int' },
  9: { name: 'deletionTimestamp', type: 'time' },
  11: { name: 'labels', type: 'map' },
  12: { name: 'annotations', type: 'map' },
  13: {
    name: 'ownerReferences',
    repeated: true,
    type: {
      1: { name: 'kind', type: 'string' },
      3: { name: 'name', type: 'string' },
      4: { name: 'uid', type: 'string' },
      5: { name: 'apiVersion', type: 'string' },
      6: { name: 'controller', type: 'bool' },
      7: { name: 'blockOwnerDeletion', type: 'bool' },
    },
  },
  17: {
    name: 'managedFields',
    repeated: true,
    type: MANAGED_FIELDS,
  },
}

/** `managedFields`, their sets of fields as bytes: there are dozens of objects for each that somebody reads. */
export const MANAGED_FIELDS_BYTES = {
  name: 'managedFields',
  repeated: true,
  type: { ...MANAGED_FIELDS, 7: { name: 'fieldsV1', type: RAW_BYTES } },
} as const satisfies Field

/** Of every kind. */
export const METADATA: Message = { 1: { name: 'metadata', type: OBJECT_META } }

const STATUS: Message = {
  3: { name: 'message', type: 'string' },
  4: { name: 'reason', type: 'string' },
  5: { name: 'details', type: { 5: { name: 'retryAfterSeconds', type: 'int' } } },
  6: { name: 'code', type: 'int' },
}

const LIST_META: Message = {
  2: { name: 'resourceVersion', type: 'string' },
  3: { name: 'continue', type: 'string' },
}

const MAGIC = 0x6b387300
const DELIMITED = 2

/** One object in its envelope. @throws RangeError when it is none, or is cut off */
export function decodeObject(bytes: Buffer, message: Message): object {
  return decode(contentOf(bytes), message)
}

interface ListMeta {
  resourceVersion: string
  continue?: string
}

/**
 * Reads a list while it comes in, object by object: what is in memory of it at a time is one object, however long the
 * list is.
 */
export class ListReader {
  readonly #item: Message
  readonly #onItem: (object: object) => void
  readonly #rest = new Gathered()
  #state: 'start' | 'envelope' | 'list' | 'end' = 'start'
  /** Of the list, as far as it is not read yet. */
  #left = 0
  #metadata: ListMeta = { resourceVersion: '' }

  constructor(item: Message, onItem: (object: object) => void) {
    this.#item = item
    this.#onItem = onItem
  }

  /** @throws RangeError when it is no list */
  take(chunk: Buffer): void {
    const continues = this.#rest.length > 0
    if (continues) this.#rest.add(chunk)
    const bytes = continues ? this.#rest.bytes : chunk
    let at = 0
    for (let next = this.#step(bytes, at); next > at; next = this.#step(bytes, at)) at = next
    if (continues) this.#rest.drop(at)
    else if (at < bytes.length) this.#rest.add(bytes.subarray(at))
  }

  /** @returns the metadata of the list. @throws RangeError when it was cut off */
  end(): ListMeta {
    if (this.#state !== 'end' || this.#rest.length > 0)
      throw new RangeError('a list that is cut off')
    return this.#metadata
  }

  /** Reads what comes next, if all of it is there. @returns where it ends; `at`, when more is to come first */
  #step(bytes: Buffer, at: number): number {
    if (this.#state === 'start') {
      if (bytes.length < 4) return at
      if (bytes.readUInt32BE(0) !== MAGIC) throw new RangeError('no object of Kubernetes')
      this.#state = 'envelope'
      return 4
    }
    const field = fieldAt(bytes, at)
    if (!field) return at
    const { number, start, end } = field
    if (this.#state === 'envelope' && number === 2) {
      this.#state = 'list'
      this.#left = end - start
      this.#ended(0)
      return start
    }
    if (end > bytes.length) return at
    if (this.#state !== 'list') return end
    if (number === 1)
      Object.assign(this.#metadata, decode(new Reader(bytes, start, end), LIST_META))
    else if (number === 2) this.#onItem(decode(new Reader(bytes, start, end), this.#item))
    this.#ended(end - at)
    return end
  }

  #ended(length: number) {
    this.#left -= length
    if (this.#left < 0) throw new RangeError('a field that is longer than its list')
    if (this.#left === 0) this.#state = 'end'
  }
}

/** Number and place of the value of a field; undefined while its head is not all there. */
function fieldAt(
  bytes: Buffer,
  at: number,
): { number: number; start: number; end: number } | undefined {
  const reader = new Reader(bytes, at, bytes.length)
  const tag = reader.varintOrNothing()
  const length = tag === undefined ? undefined : reader.varintOrNothing()
  if (tag === undefined || length === undefined) return undefined
  if ((tag & 7) !== DELIMITED) throw new RangeError('a field of another type')
  return { number: tag >>> 3, start: reader.at, end: reader.at + length }
}

/** A metav1.Status: what went wrong. @throws RangeError when it is none, or is cut off */
export function decodeStatus(bytes: Buffer): object {
  return decode(contentOf(bytes), STATUS)
}

/**
 * One frame of a watch. What `knows` says of a resource version that it is known already is not read any further.
 * @returns undefined for what is known
 * @throws RangeError when it is no event, or is cut off
 */
export function decodeWatchEvent(
  frame: Buffer,
  message: Message,
  knows: (resourceVersion: string) => boolean = () => false,
): { type: string; object: object } | undefined {
  const event = new Reader(frame, 0, frame.length)
  let type = ''
  let object: Reader | undefined
  for (let number = event.next(); number > 0; number = event.next()) {
    if (number === 1) type = event.text()
    else if (number === 2) object = member(event.inner(), 1)
    else event.skip()
  }
  if (!object) throw new RangeError('a watch event without an object')
  const content = contentOf(object.bytes.subarray(object.at, object.end))
  if (type === 'ERROR') return { type, object: decode(content, STATUS) }
  if (knows(versionOf(content))) return undefined
  return { type, object: decode(content, message) }
}

/** Frames as they come in over the wire, each with its length before it. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0)

  /** @returns the frames that are whole now */
  take(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    const frames: Buffer[] = []
    let at = 0
    while (at + 4 <= bytes.length) {
      const end = at + 4 + bytes.readUInt32BE(at)
      if (end > bytes.length) break
      frames.push(bytes.subarray(at + 4, end))
      at = end
    }
    this.#rest = bytes.subarray(at)
    return frames
  }
}

/** The object in an envelope: four bytes that say what it is, then k8s.io/apimachinery/pkg/runtime Unknown. */
function contentOf(bytes: Buffer): Reader {
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== MAGIC)
    throw new RangeError('no object of Kubernetes')
  return member(new Reader(bytes, 4, bytes.length), 2)
}

/** A member that is a message of its own; an empty one where there is none. */
function member(reader: Reader, number: number): Reader {
  for (let found = reader.next(); found > 0; found = reader.next()) {
    if (found === number) return reader.inner()
    reader.skip()
  }
  return new Reader(reader.bytes, reader.end, reader.end)
}

function versionOf(object: Reader): string {
  const metadata = member(new Reader(object.bytes, object.at, object.end), 1)
  for (let number = metadata.next(); number > 0; number = metadata.next()) {
    if (number === 6) return metadata.text()
    metadata.skip()
  }
  return ''
}

function decode(reader: Reader, message: Message): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (let number = reader.next(); number > 0; number = reader.next()) {
    const field = message[number]
    if (!field) {
      reader.skip()
      continue
    }
    const { name, type } = field
    if (type === 'map') {
      result[name] ??= {}
      readPair(reader.inner(), result[name] as Record<string, string>, field.keys)
      continue
    }
    const value = readValue(reader, type)
    if (field.repeated) {
      const items = result[name] as unknown[] | undefined
      if (items) items.push(value)
      else result[name] = [value]
    } else if (value !== '') {
      // What is empty is left out of JSON, and sent here.
      result[name] = value
    }
  }
  return result
}

function readValue(reader: Reader, type: Exclude<Field['type'], 'map'>): unknown {
  switch (type) {
    case 'string':
    case 'json':
      return reader.text()
    case 'int':
      return reader.varint()
    case 'bool':
      return reader.varint() !== 0
    case 'time': {
      const { seconds = 0 } = decode(reader.inner(), TIME) as { seconds?: number }
      const date = new Date(seconds * 1000)
      // Before 1970 seconds are negative, which no varint of ours is: such a time is no news to anybody.
      return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z')
    }
    case 'intOrString': {
      const { type: kind, int = 0, text = '' } = decode(reader.inner(), INT_OR_STRING)
      return kind === 1 ? text : int
    }
    case 'bytes':
      return reader.view()
    case RAW:
      return decode(reader.inner(), RAW).raw
    case RAW_BYTES:
      return decode(reader.inner(), RAW_BYTES).raw
    default:
      return decode(reader.inner(), type)
  }
}

function readPair(reader: Reader, into: Record<string, string>, keys: Field['keys']) {
  let key = ''
  let value = ''
  for (let number = reader.next(); number > 0; number = reader.next()) {
    if (number === 1) {
      // Written in this order: the key first.
      const wanted = keys ? reader.oneOf(keys) : reader.text()
      if (wanted === undefined) return
      key = wanted
    } else if (number === 2) value = reader.text()
    else reader.skip()
  }
  if (!keys || key !== '') into[key] = value
}

/** Texts up to this length are looked for among the known ones. */
const SHORT = 40
const PLACES = 4096
const places: string[] = new Array(PLACES).fill('')

/**
 * Names of labels, namespaces, owners come again and again. Each text has a place, where the last one is kept that had
 * it: to compare its bytes costs less than to make a string of them, and strings that are equal are one.
 */
function textOf(bytes: Buffer, start: number, end: number): string {
  const length = end - start
  if (length > SHORT) return bytes.toString('utf8', start, end)
  let place = length
  for (let at = start; at < end; at++) place = (Math.imul(place, 31) + (bytes[at] as number)) | 0
  place = (place ^ (place >>> 15)) & (PLACES - 1)
  const known = places[place] as string
  if (isAsciiOf(known, bytes, start, length)) return known
  const text = bytes.toString('utf8', start, end)
  places[place] = text
  return text
}

function isAsciiOf(text: string, bytes: Buffer, start: number, length: number): boolean {
  if (text.length !== length) return false
  for (let at = 0; at < length; at++) {
    const byte = bytes[start + at] as number
    if (byte > 127 || text.charCodeAt(at) !== byte) return false
  }
  return true
}

/** Walks over the fields of one message. */
class Reader {
  readonly bytes: Buffer
  readonly end: number
  at: number
  #wire = 0

  constructor(bytes: Buffer, at: number, end: number) {
    if (end > bytes.length) throw new RangeError('an object that is cut off')
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** Number of the field whose value comes next; 0 at the end. */
  next(): number {
    if (this.at >= this.end) return 0
    const tag = this.varint()
    this.#wire = tag & 7
    return tag >>> 3
  }

  varint(): number {
    const value = this.varintOrNothing()
    if (value === undefined) throw new RangeError('an object that is cut off')
    return value
  }

  /** undefined where the bytes end in it. */
  varintOrNothing(): number | undefined {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) return undefined
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  text(): string {
    const start = this.#delimited()
    return textOf(this.bytes, start, this.at)
  }

  view(): Buffer {
    const start = this.#delimited()
    return this.bytes.subarray(start, this.at)
  }

  /** Which of these ASCII texts it is, if any. */
  oneOf(texts: readonly string[]): string | undefined {
    const start = this.#delimited()
    return texts.find((text) => isAsciiOf(text, this.bytes, start, this.at - start))
  }

  inner(): Reader {
    const start = this.#delimited()
    return new Reader(this.bytes, start, this.at)
  }

  skip(): void {
    switch (this.#wire) {
      case 0:
        this.varint()
        break
      case 1:
        this.at += 8
        break
      case 5:
        this.at += 4
        break
      default:
        this.#delimited()
    }
  }

  /** Steps over a value with its length before it. @returns where it starts */
  #delimited(): number {
    if (this.#wire !== DELIMITED) throw new RangeError('a field of another type')
    const length = this.varint()
    const start = this.at
    this.at += length
    if (this.at > this.end) throw new RangeError('an object that is cut off')
    return start
  }
}
