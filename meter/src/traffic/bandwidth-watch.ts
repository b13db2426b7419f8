import { type TrafficProtocol, trafficProtocols } from '@parley/protocol'
import type { Cell } from './batches.ts'
import type { Alert } from './tables.ts'

/** An alert ends when a minute is below this part of the limit, so that it does not come and go. */
const resolvePart = 0.8

/** Looks at what minutes carried, and says when that is too much, once, and when it is over. */
export class BandwidthWatch {
  readonly #limitKbps: number
  readonly #open = new Map<string, Alert>()

  /** @param limitMbps of a protocol and direction, over a minute; 0: nothing is too much */
  constructor(limitMbps: number, open: readonly Alert[]) {
    this.#limitKbps = Math.round(limitMbps * 1000)
    for (const alert of open)
      if (alert.resolvedAt === 0) this.#open.set(`${alert.protocol} ${alert.direction}`, alert)
  }

  /**
   * @param minute that is over, epoch ms of its start
   * @param cells of it
   * @returns alerts that began, got worse, or ended
   */
  look(minute: number, cells: readonly Cell[]): Alert[] {
    return trafficProtocols.flatMap((protocol) => {
      const mine = cells.filter((cell) => cell.protocol === protocol)
      const sum = (bytes: (cell: Cell) => number) =>
        mine.reduce((all, each) => all + bytes(each), 0)
      return [
        ...this.#judge(protocol, 'in', minute, kbpsOf(sum(({ bytesIn }) => bytesIn))),
        ...this.#judge(protocol, 'out', minute, kbpsOf(sum(({ bytesOut }) => bytesOut))),
      ]
    })
  }

  #judge(
    protocol: TrafficProtocol,
    direction: Alert['direction'],
    minute: number,
    kbps: number,
  ): Alert[] {
    const key = `${protocol} ${direction}`
    const open = this.#open.get(key)
    const limitKbps = this.#limitKbps
    if (open === undefined) {
      if (limitKbps === 0 || kbps <= limitKbps) return []
      const alert: Alert = {
        ...{ protocol, direction, openedAt: minute, resolvedAt: 0, limitKbps, peakKbps: kbps },
      }
      this.#open.set(key, alert)
      return [alert]
    }
    // One that was opened under another limit ends by its own.
    if (kbps < resolvePart * open.limitKbps || limitKbps === 0) {
      this.#open.delete(key)
      return [{ ...open, resolvedAt: minute }]
    }
    if (kbps <= open.peakKbps) return []
    const worse = { ...open, peakKbps: kbps }
    this.#open.set(key, worse)
    return [worse]
  }
}

function kbpsOf(bytesAMinute: number): number {
  return Math.round((bytesAMinute * 8) / 60 / 1000)
}
