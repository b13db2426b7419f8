import { defaultRenderInputs, type RenderInputs } from '../inputs.ts'
import type { KubernetesObject } from '../kubernetes.ts'
import type { Rendering } from '../render.ts'

/** Two nodes, one of which clients can reach, and a TURN pod on it. */
export function renderInputs(overrides: Partial<RenderInputs> = {}): RenderInputs {
  return defaultRenderInputs({
    nodes: {
      n1: { internal: ['10.1.0.11'], advertised: '198.51.100.11' },
      n2: { internal: ['10.1.0.12'] },
    },
    turnUrls: ['turn:198.51.100.11:3478?transport=udp'],
    ...overrides,
  })
}

export function find<T extends KubernetesObject = KubernetesObject>(
  { objects, held }: Rendering,
  kind: string,
  name: string,
): T | undefined {
  return [...objects, ...held].find(
    (object) => object.kind === kind && object.metadata.name === name,
  ) as T | undefined
}
