import type { Colour } from '../render/table.ts'

/** Marks of colour that no text has; {@link pictureOf} makes them elements. */
const mark = (name: string) => (text: string) => `\u0001${name}\u0002${text}\u0003`
export const marks: Colour = {
  bold: mark('bold'),
  dim: mark('dim'),
  cyan: mark('cyan'),
  green: mark('green'),
  yellow: mark('yellow'),
}

const [charWidth, lineHeight, margin] = [8.43, 20, 20]

/** What a command printed, in the colours of a terminal, as SVG. */
export function pictureOf(command: string, output: string): string {
  const lines = [`${marks.green('$')} ${command}`, '', ...output.trimEnd().split('\n')]
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are the marks
  const plain = (line: string) => line.replaceAll(/\u0001\w+\u0002|\u0003/g, '')
  const columns = Math.max(...lines.map((line) => [...plain(line)].length))
  const width = Math.ceil(columns * charWidth + 2 * margin)
  const height = lines.length * lineHeight + 2 * margin
  const text = lines.map((line, index) => {
    const y = margin + (index + 0.75) * lineHeight
    return `<text x="${margin}" y="${y}" xml:space="preserve">${elementsOf(line)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${elementsOf(command)}</title>
<style>
  text { font: 14px "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d7dde6; white-space: pre }
  .bold { font-weight: bold } .dim { fill: #8b95a5 } .cyan { fill: #4fb8d0 } .green { fill: #6fd19a } .yellow { fill: #dcb862 }
</style>
<rect width="100%" height="100%" rx="8" fill="#10141b"/>
${text.join('\n')}
</svg>
`
}

function elementsOf(line: string): string {
  return (
    line
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are the marks
      .replaceAll(/\u0001(\w+)\u0002/g, '<tspan class="$1">')
      .replaceAll('\u0003', '</tspan>')
  )
}
