/** An IPv4 network: first address as a number, and how many bits are fixed. */
export type Cidr = { first: number; prefix: number }

/** `10.16.0.0/16`; nothing where the text is no network, or has bits set behind the prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  if (!match) return undefined
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = match.slice(1).map(Number)
  if (prefix > 32 || [a, b, c, d].some((byte) => byte > 255)) return undefined
  const first = ((a * 256 + b) * 256 + c) * 256 + d
  return first % sizeOf(prefix) === 0 ? { first, prefix } : undefined
}

export function formatCidr({ first, prefix }: Cidr): string {
  const bytes = [24, 16, 8, 0].map((bits) => Math.floor(first / 2 ** bits) % 256)
  return `${bytes.join('.')}/${prefix}`
}

export function overlap(a: Cidr, b: Cidr): boolean {
  return a.first < b.first + sizeOf(b.prefix) && b.first < a.first + sizeOf(a.prefix)
}

/** The `index`th network of `bits` more fixed bits inside of one. */
export function subnet({ first, prefix }: Cidr, bits: number, index: number): Cidr {
  return { first: first + index * sizeOf(prefix + bits), prefix: prefix + bits }
}

/** Whether a network lies in the private ranges of RFC 1918. */
export function isPrivate(cidr: Cidr): boolean {
  return ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].some((text) => {
    const range = parseCidr(text)
    return range !== undefined && range.prefix <= cidr.prefix && overlap(range, cidr)
  })
}

const sizeOf = (prefix: number) => 2 ** (32 - prefix)
