const LEAST_BYTES = 16 * 1024

/**
 * Bytes that come in pieces, until all that belongs together is there. The memory is used again for what comes next: a
 * list is hundreds of times as long as what it is a list of, and an object that comes in four pieces would, put
 * together anew with each of them, take ten pieces' memory, which is free again only when garbage is collected.
 */
export class Gathered {
  #memory: Buffer = Buffer.alloc(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** All that is there: until something is added or dropped. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length)
  }

  add(piece: Buffer): void {
    const length = this.#length + piece.length
    if (length > this.#memory.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, 2 * length))
      this.#memory.copy(larger, 0, 0, this.#length)
      this.#memory = larger
    }
    piece.copy(this.#memory, this.#length)
    this.#length = length
  }

  /** Takes away the first bytes. */
  drop(count: number): void {
    this.#memory.copyWithin(0, count, this.#length)
    this.#length -= count
  }
}
