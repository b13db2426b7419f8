import { Gathered } from './gathered.ts'
import type { K8sObject, ListBody } from './resources.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const ARRAY = 0x5b
const OBJECT = 0x7b
const END_OF_ARRAY = 0x5d
const END_OF_OBJECT = 0x7d

/** In the object that is the list is an array, and in that are the items. */
const DEPTH_OF_ITEMS = 2

/**
 * Reads a list in JSON while it comes in, object by object, as `ListReader` does in protobuf. What is around the items
 * is put aside and read at the end: it is the list with no item in it.
 */
export class JsonListReader {
  readonly #onItem: (object: K8sObject) => void
  readonly #around: Buffer[] = []
  /** What has come of an item that is not all there. */
  readonly #item = new Gathered()
  #depth = 0
  #isInArray = false
  #isText = false
  #isEscaped = false

  constructor(onItem: (object: K8sObject) => void) {
    this.#onItem = onItem
  }

  /** @throws SyntaxError when an item is no JSON */
  take(chunk: Buffer): void {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (this.#isText) {
        if (this.#isEscaped) this.#isEscaped = false
        else if (byte === BACKSLASH) this.#isEscaped = true
        else if (byte === QUOTE) this.#isText = false
      } else if (byte === QUOTE) this.#isText = true
      else if (byte === OBJECT || byte === ARRAY) {
        if (this.#isAmongItems()) {
          this.#around.push(copyOf(chunk, start, at))
          start = at
        }
        if (++this.#depth === DEPTH_OF_ITEMS) this.#isInArray = byte === ARRAY
      } else if (byte === END_OF_OBJECT || byte === END_OF_ARRAY) {
        this.#depth--
        if (!this.#isAmongItems() || byte === END_OF_ARRAY) continue
        this.#item.add(chunk.subarray(start, at + 1))
        start = at + 1
        const text = this.#item.bytes.toString()
        this.#item.drop(this.#item.length)
        this.#onItem(JSON.parse(text) as K8sObject)
      } else if (byte === COMMA && this.#isAmongItems()) start = at + 1
    }
    const rest = chunk.subarray(start)
    if (this.#isInArray && this.#depth > DEPTH_OF_ITEMS) this.#item.add(rest)
    else this.#around.push(copyOf(chunk, start, chunk.length))
  }

  /** @returns the metadata of the list. @throws SyntaxError when it was cut off */
  end(): ListBody['metadata'] {
    return (JSON.parse(Buffer.concat(this.#around).toString()) as ListBody).metadata
  }

  #isAmongItems(): boolean {
    return this.#isInArray && this.#depth === DEPTH_OF_ITEMS
  }
}

/** So that a few bytes do not keep the whole piece that they came in. */
function copyOf(chunk: Buffer, start: number, end: number): Buffer {
  return Buffer.from(chunk.subarray(start, end))
}
