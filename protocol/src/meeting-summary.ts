import type { LiveUser, MeetingAlert } from './meeting-metrics.ts'

/** REQ-M3, of one meeting. */
export type MeetingSummary = {
  participants: number
  /** With at least one connection. */
  active: number
  /** kbit/s of all, and of each on average. */
  totalKbps: number
  averageKbps: number
  /** 0–100 over those of whom it is known; null: of nobody. */
  averageScore: number | null
  /** Those with an alert that is open and more than an information. */
  withIssues: number
  onRelay: number
  openAlerts: number
}

export function summarizeMeeting(
  users: readonly LiveUser[],
  alerts: readonly MeetingAlert[],
): MeetingSummary {
  const open = alerts.filter(({ state }) => state === 'open')
  const totalKbps = users.reduce((sum, { metrics }) => sum + metrics.up + metrics.down, 0)
  const scores = users.flatMap(({ score }) => score ?? [])
  const troubled = open.filter(({ severity }) => severity !== 'info')
  return {
    participants: users.length,
    active: users.filter(({ metrics }) => metrics.links > 0).length,
    totalKbps,
    averageKbps: users.length > 0 ? totalKbps / users.length : 0,
    averageScore:
      scores.length > 0 ? scores.reduce((sum, one) => sum + one, 0) / scores.length : null,
    withIssues: new Set(troubled.map(({ userId }) => userId)).size,
    onRelay: users.filter(({ metrics }) => metrics.relayed > 0).length,
    openAlerts: open.length,
  }
}
