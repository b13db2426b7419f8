/**
 * Splits a whole number in proportion to weights so that the parts sum to it exactly: each gets the
 * floor of its share, and the units left go to the largest remainders (Hamilton's method), the
 * earlier part first among equals. Weights that are all 0 share alike.
 *
 * @param total a safe integer ≥ 0
 * @param weights safe integers ≥ 0
 */
export function apportion(total: number, weights: readonly number[]): number[] {
  if (weights.length === 0 || total === 0) return weights.map(() => 0)
  const shares = weights.some((weight) => weight > 0) ? weights : weights.map(() => 1)
  const whole = BigInt(total)
  const sum = shares.reduce((all, weight) => all + BigInt(weight), 0n)
  const parts: number[] = []
  const remainders: bigint[] = []
  for (const weight of shares) {
    const product = whole * BigInt(weight)
    parts.push(Number(product / sum))
    remainders.push(product % sum)
  }
  const left = Number(whole - parts.reduce((all, part) => all + BigInt(part), 0n))
  const order = remainders
    .map((remainder, index) => ({ remainder, index }))
    .sort((a, b) =>
      a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
    )
  for (const { index } of order.slice(0, left)) parts[index] = (parts[index] ?? 0) + 1
  return parts
}
