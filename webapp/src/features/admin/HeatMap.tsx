import { HeatmapChart } from 'echarts/charts'
import {
  AriaComponent,
  GridComponent,
  TooltipComponent,
  VisualMapComponent,
} from 'echarts/components'
import { type EChartsType, init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { useColours } from './useColours.ts'

// Only what a heat map takes: the whole of ECharts is a megabyte.
use([
  HeatmapChart,
  GridComponent,
  TooltipComponent,
  VisualMapComponent,
  AriaComponent,
  CanvasRenderer,
])

type Props = {
  title: string
  columns: readonly string[]
  rows: readonly string[]
  /** Column, row, value. */
  cells: readonly (readonly [number, number, number])[]
  /** What the value is of, and from where to where its colours go: from the first to the second. */
  range: { low: number; high: number; colours: readonly [`--${string}`, `--${string}`] }
}

/** Values by row and time. */
export default function HeatMap({ title, columns, rows, cells, range }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<EChartsType>(undefined)
  const colours = useColours()
  useEffect(() => {
    const element = place.current
    if (!element) return
    const made = init(element)
    chart.current = made
    const watch = new ResizeObserver(() => made.resize())
    watch.observe(element)
    return () => {
      watch.disconnect()
      made.dispose()
      chart.current = undefined
    }
  }, [])
  useEffect(() => {
    const { fontFamily } = getComputedStyle(document.body)
    const text = { color: colours('--text-soft'), fontFamily }
    chart.current?.setOption({
      animation: false,
      aria: { enabled: true, label: { description: title } },
      grid: { left: 8, right: 8, top: 8, bottom: 8, containLabel: true },
      tooltip: { confine: true },
      xAxis: { type: 'category', data: [...columns], axisLabel: text },
      yAxis: { type: 'category', data: [...rows], axisLabel: text },
      visualMap: {
        show: false,
        min: range.low,
        max: Math.max(range.low + 1, range.high),
        inRange: { color: range.colours.map(colours) },
      },
      series: [{ type: 'heatmap', data: cells.map((cell) => [...cell]) }],
    })
  }, [title, columns, rows, cells, range, colours])
  return (
    <figure className="admin-chart">
      <figcaption>{title}</figcaption>
      <div ref={place} className="admin-heat" />
    </figure>
  )
}
