import { type FullMetrics, type JoinResponse, metricsNamespace } from '@parley/protocol'
import { io } from 'socket.io-client'

const answerMs = 20_000

/** Somebody in a room without a page, who says made-up figures of a call. */
export async function enterReporting(
  url: string,
  room: string,
  figures: Partial<FullMetrics> = {},
): Promise<{ id: string; leave(): void }> {
  const response = await fetch(`${url}/api/rooms/${room}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Guest' }),
  })
  if (!response.ok) throw new Error(`join answered ${response.status}: ${await response.text()}`)
  const { token, participantId } = (await response.json()) as JoinResponse
  const options = { auth: { token }, transports: ['websocket'], forceNew: true }
  const [meeting, metrics] = [io(url, options), io(`${url}${metricsNamespace}`, options)]
  const event: FullMetrics = {
    ...{ n: 1, full: true, up: 900, down: 2100, rtt: 24, min: 20, max: 30, loss: 0, jitter: 4 },
    ...{ links: 2, relayed: 0, tx: 100, rx: 200, back: 0, ...figures },
  }
  const answers = [
    await meeting
      .timeout(answerMs)
      .emitWithAck('room:join', { media: { audio: true, video: true } }),
    await metrics.timeout(answerMs).emitWithAck('meeting:metrics', { metrics: event }),
  ]
  for (const answer of answers) if (!answer.ok) throw new Error(answer.error.message)
  return {
    id: participantId,
    leave() {
      // One that leaves is gone at once; one whose sockets are lost may come back.
      metrics.disconnect()
      meeting.disconnect()
    },
  }
}
