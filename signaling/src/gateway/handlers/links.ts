import { linkReportSchema } from '@parley/protocol'
import { SignalingError } from '../../errors.ts'
import type { Handlers, Meetings } from '../types.ts'

/** Why links are relayed, as the pages at their ends say. */
export function linkHandlers({ deps, seats, findHere }: Meetings): Handlers<'link:report'> {
  return {
    'link:report': {
      schema: linkReportSchema,
      async handle(socket, report) {
        const seat = seats.of(socket)
        const { key, participant } = seat
        if (report.peer === participant.id)
          throw new SignalingError('invalid', 'link:report: peer: nobody has a link to themselves')
        // Of a link that is over the other end may be gone.
        if (report.peer !== null && !report.ended) await findHere(key, report.peer)
        // Whether the room is on the SFU is not for one page to say: it decides what a tenant is charged.
        const contradicts = () => !report.ended && seat.sfu !== (report.peer === null)
        // Another replica may have brought the room back from there.
        if (contradicts()) seats.takeWay([seat], await deps.rooms.occupancy(key))
        if (contradicts()) return null
        await deps.linkReports.take({ ...key, participant: participant.id }, report)
        return null
      },
    },
  }
}
