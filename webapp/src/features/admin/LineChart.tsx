import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { clock, decimal, time } from './figures.ts'
import { useColours } from './useColours.ts'

export type Line = {
  name: string
  values: readonly (number | null)[]
  /** A custom property of the page's colours. */
  colour: `--${string}`
}

const height = 180
const pointsMax = 4

/**
 * Values over time.
 *
 * @param at epoch ms, ascending
 * @param spanMs up to the last of them, so much is shown; left out: all
 */
export function LineChart(props: {
  title: string
  at: readonly number[]
  lines: readonly Line[]
  spanMs?: number
}) {
  const { title, at, lines, spanMs } = props
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(undefined)
  const colours = useColours()
  const { t, i18n } = useTranslation()
  const locale = i18n.language
  const timeName = t('admin.time')
  /** What the lines show, for who hears the page. */
  const saidOf = (name: string, values: readonly (number | null)[]) => {
    const known = values.filter((value) => value !== null)
    const last = known.at(-1)
    if (last === undefined) return t('admin.chart.nothing', { name })
    const said = (value: number) => decimal(value, locale)
    const [low, high] = [said(Math.min(...known)), said(Math.max(...known))]
    return t('admin.chart.said', { name, last: said(last), low, high })
  }
  const names = lines.map(({ name, colour }) => `${name} ${colour}`).join('\n')

  // biome-ignore lint/correctness/useExhaustiveDependencies: the values are put in below, without a new chart
  useEffect(() => {
    const element = place.current
    if (!element) return
    const axis = {
      stroke: colours('--text-soft'),
      grid: { stroke: colours('--line'), width: 1 },
      font: `12px ${getComputedStyle(element).fontFamily}`,
    }
    const made = new uPlot(
      {
        width: element.clientWidth,
        height,
        series: [
          // What nobody points at is the last of them.
          {
            label: timeName,
            value: (made, at: number | null) => {
              const shown = at ?? lastOf(made.data[0])
              return shown === undefined ? '' : time(shown * 1000, locale)
            },
          },
          ...lines.map(({ name, colour }) => ({
            label: name,
            value: (made: uPlot, value: number | null, index: number) => {
              const shown = value ?? lastOf(made.data[index] ?? [])
              return shown === undefined ? t('admin.none') : decimal(shown, locale)
            },
            stroke: colours(colour),
            width: 2,
            // Of one or two points there is no line to see.
            points: { show: (made: uPlot) => (made.data[0]?.length ?? 0) < pointsMax },
          })),
        ],
        axes: [
          { ...axis, values: (_chart, splits) => splits.map((at) => clock(at * 1000, locale)) },
          { ...axis, size: 56 },
        ],
        scales: {
          x: { range: (made) => spanOf(made.data[0], spanMs) },
          y: { range: (_chart, _low, high) => [0, Math.max(1, high * 1.1)] },
        },
        cursor: { y: false },
      },
      dataOf(at, lines),
      element,
    )
    chart.current = made
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    watch.observe(element)
    return () => {
      watch.disconnect()
      made.destroy()
      chart.current = undefined
    }
  }, [names, colours, spanMs, locale, timeName])

  useEffect(() => {
    chart.current?.setData(dataOf(at, lines))
  }, [at, lines])

  return (
    <figure className="admin-chart">
      <figcaption>{title}</figcaption>
      <ul className="visually-hidden">
        {lines.map(({ name, values }) => (
          <li key={name}>{saidOf(name, values)}</li>
        ))}
      </ul>
      <div ref={place} aria-hidden="true" />
    </figure>
  )
}

/**
 * In seconds: so much up to the last time, or all there are, and a minute at least. uPlot's own ends are those of a day
 * where there is one time alone.
 */
function spanOf(times: ArrayLike<number>, spanMs: number | undefined): [number, number] {
  const end = lastOf(times) ?? 0
  const begin = spanMs === undefined ? (times[0] ?? end) : end - spanMs / 1000
  return [Math.min(begin, end - 60), end]
}

/** The last that there is. */
function lastOf(values: ArrayLike<number | null | undefined>): number | undefined {
  for (let index = values.length - 1; index >= 0; index--) {
    const value = values[index]
    if (typeof value === 'number') return value
  }
  return undefined
}

function dataOf(at: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [at.map((ms) => ms / 1000), ...lines.map(({ values }) => [...values])]
}
