import { store } from '../../state.ts'
import { ownCall } from '../call/ownCall.ts'
import { callEncryption } from '../encryption/encryptionState.ts'
import type { LocalDevice } from '../media/localState.ts'
import { HealthLog } from './HealthLog.ts'
import type { DeviceHealth, HealthInput, HealthSource } from './healthReport.ts'
import { Rates } from './Rates.ts'
import { noteChanges } from './watchHealth.ts'

const log = new HealthLog(() => Date.now())
store.subscribe((now, before) => noteChanges(log, now, before))

/** How the report numbers somebody. */
export const personOf = (id: string): number => log.person(id)

/** What the call's own readings say, which are at most a second old. */
export function readingsSource(): HealthSource {
  const rates = new Rates()
  return async () => {
    const last = new Map(ownCall.readings.last().map((one) => [one.id, one.stats]))
    const traffic = new Map(
      [...last].flatMap(([id, stats]) => (stats ? [[id, stats.transport]] : [])),
    )
    const now = rates.next(performance.now(), traffic)
    return store.getState().call.participants.map((one) => {
      const stats = last.get(one.id)
      return {
        person: personOf(one.id),
        link: one.link,
        sfu: one.sfu,
        usingRelay: one.usingRelay,
        localCandidate: one.localCandidateType,
        remoteCandidate: one.remoteCandidateType,
        relayProtocol: stats?.relayProtocol,
        rttMs: one.rttMs,
        lossPercent: one.lossPercent,
        sentKbps: now.get(one.id)?.sentKbps,
        receivedKbps: now.get(one.id)?.receivedKbps,
        quality: one.quality,
        localAddress: stats?.localAddress,
        remoteAddress: stats?.remoteAddress,
      }
    })
  }
}

export async function readHealth(source: HealthSource): Promise<HealthInput> {
  const links = await source()
  const { call, local, encryption } = store.getState()
  return {
    at: Date.now(),
    browser: navigator.userAgent,
    secureContext: isSecureContext,
    language: navigator.language,
    call: {
      phase: call.phase,
      signaling: call.signaling,
      error: call.error,
      relayForced: call.relayForced,
    },
    notes: call.notes,
    encryption: callEncryption(encryption.mark, call.participants).kind,
    microphone: deviceOf(local.audio),
    camera: deviceOf(local.video),
    links,
    events: log.events,
  }
}

/** Its name is the person's business. */
function deviceOf({ on, problem, track }: LocalDevice): DeviceHealth {
  const { width, height, frameRate, sampleRate } = track?.getSettings() ?? {}
  const picture = width && height && `${width}×${height}, ${Math.round(frameRate ?? 0)} fps`
  const sound = sampleRate && `${sampleRate} Hz`
  return { on, problem, settings: picture || sound || undefined }
}
