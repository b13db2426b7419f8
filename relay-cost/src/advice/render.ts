import type { Advice } from '@parley/protocol'
import { wrap } from '../format.ts'
import type { Colour } from '../render/table.ts'

/** Advice as lines below a report: what, and the arithmetic under it. Empty where there is none. */
export function adviceLines(
  advice: readonly Advice[],
  width: number,
  colour: Pick<Colour, 'bold' | 'dim' | 'green'>,
): string[] {
  if (advice.length === 0) return []
  return [
    '',
    colour.bold('Advice'),
    ...advice.flatMap(({ saves, text, arithmetic }) => [
      ...wrap(text, width - 2).map(
        (line, index) =>
          `${index === 0 ? (saves === undefined ? '•' : colour.green('↓')) : ' '} ${line}`,
      ),
      ...wrap(arithmetic, width - 4).map((line) => `    ${colour.dim(line)}`),
    ]),
  ]
}
