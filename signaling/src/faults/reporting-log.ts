import type { LogFn, Logger } from 'pino'
import type { FaultReports } from './fault-reports.ts'

/** The same log, of which every fault that is logged as an error is reported, too. */
export function reportingLog(log: Logger, reports: FaultReports): Logger {
  const error = ((fields: unknown, message?: string, ...rest: unknown[]) => {
    log.error(fields, message, ...rest)
    if (typeof fields !== 'object' || fields === null || !('err' in fields)) return
    const id = 'id' in fields && typeof fields.id === 'string' ? fields.id : undefined
    reports.report(fields.err, message ?? '', id)
  }) as LogFn
  return Object.create(log, { error: { value: error } }) as Logger
}
