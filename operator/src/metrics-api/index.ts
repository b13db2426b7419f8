export type { FigureSource } from './figures.ts'
export type { Labels } from './label-selector.ts'
export { MetricsApi } from './metrics-api.ts'
