export { type AdviceRequest, adviseOn } from './advice/advice.ts'
export { meshUse, type RoomUse } from './advice/room-use.ts'
export * from './allocation.ts'
export { type CellsRequest, cellsOf } from './cells.ts'
export type { PeerLink, Place, RoomFacts } from './destinations.ts'
export * from './errors.ts'
export { forecastMonthEnd, type Pace } from './forecast.ts'
export { formatSeconds } from './format.ts'
export { Ledger } from './ledger.ts'
export { LinkBook, mergeLinkRecords } from './links.ts'
export {
  addNodeTime,
  type MediaPod,
  type NodeTime,
  nodeTime,
  sfuPlaces,
  zonesOf,
} from './media-pods.ts'
export {
  type Capacity,
  type CapacityFigure,
  capacityFigures,
  plannedUtilization,
} from './plan/figures.ts'
export { type Plan, type PlanRequest, plan } from './plan/plan.ts'
export { renderPlan } from './plan/render.ts'
export * from './prices/index.ts'
export { type InfrastructurePrices, infrastructurePrices } from './prices/infrastructure.ts'
export { type ReportFormat, renderReport, reportFormats } from './render/index.ts'
export type { Colour } from './render/table.ts'
export { compareRecorded, type Recorded, readRecorded } from './replay.ts'
export { ReplayStream } from './replay-stream.ts'
export { reportOf, type SumsRequest } from './report.ts'
export { dimensionsFor, parseBy, parseWindow, type Window } from './request.ts'
export {
  countedHours,
  monthOf,
  nextMonth,
  type PricedSums,
  type PriceSpan,
  spansOf,
} from './span.ts'
export * from './statsdb.ts'
export { noSums, type SumMeasures, sumCells, sumFields } from './sums.ts'
export * from './traffic.ts'
export { type NodeCounters, reconcileNodes, type Unseen, unseenCells } from './unseen.ts'
export {
  type CellSums,
  noUsage,
  type TimeDimension,
  type UsageCell,
  type UsageKey,
  type UsageMeasures,
  usageFields,
} from './usage.ts'
export { type Media, type Topology, topologies, usualMedia } from './what-if/media.ts'
export { renderWhatIf } from './what-if/render.ts'
export {
  type Alternative,
  hoursPerMonth,
  type WhatIf,
  type WhatIfRequest,
  whatIf,
} from './what-if/what-if.ts'
