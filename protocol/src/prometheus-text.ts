/**
 * Sums of some metrics over all of their series, from Prometheus' text format. One without any series is missing.
 */
export function sumsOf<Name extends string>(
  text: string,
  names: readonly Name[],
): Partial<Record<Name, number>> {
  const sums: Partial<Record<Name, number>> = {}
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = SAMPLE.exec(line) ?? []
    if (!names.includes(name as Name)) continue
    const sum = (sums[name as Name] ?? 0) + Number(value)
    if (Number.isFinite(sum)) sums[name as Name] = sum
  }
  return sums
}

/** Name, labels if any, value; a timestamp may follow. A closing brace in a label's value is in quotes. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})?\s+(\S+)/
