export {
  customResourceDefinition,
  reportResourceDefinition,
  type StructuralSchema,
  structuralSchema,
} from './crd.ts'
export { durationSeconds } from './duration.ts'
export { fillInEmpty } from './fill-in-empty.ts'
export { formatIp, type IpRange, isIpAddress, parseIpRange } from './ip.ts'
export * from './names.ts'
export { InvalidMeetingCluster, parseMeetingCluster } from './parse.ts'
export { crdReferenceMarkdown, reportReferenceMarkdown } from './reference.ts'
export {
  REPORT_NOTES,
  REPORT_ROWS,
  type RelayCostReportResource,
  relayCostReportSchema,
} from './relay-cost-report.ts'
export { type Scaling, scalingOf } from './scaling.ts'
export type {
  ComponentStatus,
  Condition,
  MeetingCluster,
  MeetingClusterSpec,
  MeetingClusterSpecInput,
  MeetingClusterStatus,
} from './schema.ts'
export { hasLiveKit, SFU_PORTS, sfuAvailable } from './sfu.ts'
