import { readFile } from 'node:fs/promises'
import { type MediaPods, mediaPodsSchema } from '@parley/protocol'
import type { MediaPod } from '@parley/relay-cost'
import { z } from 'zod'
import { MeterError } from '../errors.ts'

/**
 * The pods that are there now, as the operator wrote them.
 * @throws {MeterError} `METER_PODS` where the file is missing or not understood
 */
export async function readMediaPods(path: string, now: number): Promise<MediaPod[]> {
  try {
    return podsAt(mediaPodsSchema.parse(JSON.parse(await readFile(path, 'utf8'))), now)
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message
    throw new MeterError(
      'METER_PODS',
      `cannot read where the TURN pods are from ${path}: ${reason}; node hours and zones are not known until it is there`,
      { cause: error },
    )
  }
}

function podsAt({ pods, turnMbps }: MediaPods, now: number): MediaPod[] {
  return pods.map(({ pod, component, node, since, zone = '', instanceType = '' }) => ({
    ...{ pod, component, node, zone, instanceType },
    mbps: component === 'turn' ? Math.round(turnMbps) : 0,
    from: Date.parse(since),
    to: now,
  }))
}
