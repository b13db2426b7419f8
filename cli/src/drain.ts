/** A pod through which media goes, as far as draining it is concerned. */
export interface MediaPod {
  namespace: string
  name: string
  uid: string
  /** Name of its MeetingCluster. */
  cluster: string
  component: 'turn' | 'sfu'
  node: string
  /** Epoch ms at which Kubernetes ends it whatever goes on; undefined while it is not draining. */
  endsAt?: number
}

/** What a drain asks of the cluster. */
export interface DrainTarget {
  /** The media pods that there are now. */
  pods(): Promise<MediaPod[]>
  /** Asks for its eviction. @returns why that is not possible for now, or undefined when it has begun */
  evict(pod: MediaPod): Promise<string | undefined>
  /** What still goes through it, in words; undefined where that is not known. */
  load(pod: MediaPod): Promise<string | undefined>
}

export interface DrainedPod {
  pod: MediaPod
  state: 'waiting' | 'draining' | 'gone'
  /** What is left, or what it waits for. */
  detail: string
}

/**
 * Evicts media pods and follows them until they are gone. A pod that is evicted takes no new call, and ends when its
 * last one has: that is the pod's own doing. A disruption budget may make pods go one after another.
 * Yields a picture of all of them each time it has looked.
 */
export async function* drainPods(
  pods: readonly MediaPod[],
  target: DrainTarget,
  { sleep, now, deadline }: { sleep: () => Promise<void>; now: () => number; deadline: number },
): AsyncGenerator<DrainedPod[]> {
  for (;;) {
    const present = new Map((await target.pods()).map((pod) => [pod.uid, pod]))
    const picture: DrainedPod[] = []
    for (const pod of pods) picture.push(await advance(pod, present.get(pod.uid), target, now()))
    yield picture
    if (picture.every(({ state }) => state === 'gone') || now() >= deadline) return
    await sleep()
  }
}

async function advance(
  asked: MediaPod,
  present: MediaPod | undefined,
  target: DrainTarget,
  now: number,
): Promise<DrainedPod> {
  if (!present) return { pod: asked, state: 'gone', detail: 'has ended' }
  if (present.endsAt === undefined) {
    const obstacle = await target.evict(present)
    if (obstacle !== undefined) return { pod: present, state: 'waiting', detail: obstacle }
  }
  const left = (await target.load(present)) ?? 'what is left is not known'
  const most =
    present.endsAt === undefined ? '' : `; ends in ${inWords(present.endsAt - now)} at the latest`
  return { pod: present, state: 'draining', detail: `${left}${most}` }
}

/** In whole minutes, so that a line of progress changes when something does. */
function inWords(ms: number): string {
  const minutes = Math.max(1, Math.ceil(ms / 60_000))
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
