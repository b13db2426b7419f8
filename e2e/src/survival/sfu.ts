/** The SFU pods of a meeting: who is on which, and how one dies. */
import { LiveCall } from '../call.ts'
import { forum } from './calls.ts'
import { type Meeting, namespace, podsOf } from './meeting.ts'
import { until } from './until.ts'

/** The pods that carry so many people each, once there are as many as are asked for. */
export async function sfuPodsWith(
  meeting: Meeting,
  people = forum.length,
  count = 1,
): Promise<string[]> {
  let found: string[] = []
  let seen = 'no pods'
  const asWanted = async () => {
    const pods = await podsOf(meeting, 'sfu')
    const carried = await Promise.all(pods.map((pod) => peopleOn(meeting, pod)))
    seen = pods.map(({ pod }, index) => `${pod}: ${carried[index]}`).join(', ')
    found = pods.filter((_, index) => carried[index] === people).map(({ pod }) => pod)
    return found.length === count
  }
  await until(asWanted).catch((cause) => {
    throw new Error(`not ${count} SFU pods with ${people} people, but ${seen}`, { cause })
  })
  return found
}

/** How many people an SFU pod carries, as LiveKit's own metrics say; none while it does not answer yet. */
async function peopleOn({ nodes }: Meeting, { node }: { node: string }): Promise<number> {
  const answer = await fetch(`http://${nodes[node]}:6789/metrics`).catch(() => undefined)
  const text = (await answer?.text()) ?? ''
  const counts = text.matchAll(/^livekit_participant_total\{[^}]*\} (\d+)/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** Ends what runs in a pod, without a word to anybody; Kubernetes starts it again. */
export async function killWithin({ stack }: Meeting, pod: string): Promise<void> {
  // Everything but process 1, which ends by that, and this shell.
  await stack.kubectl(['exec', pod, '-n', namespace, '--', 'sh', '-c', 'kill -KILL -1'])
}

/**
 * Two calls of which each is on an SFU pod of its own. LiveKit takes the pod with fewer tracks as it last knew of them,
 * so that a second call that comes to the first one is ended, and tried again.
 */
export async function callOnEachSfuPod(meeting: Meeting): Promise<LiveCall[]> {
  const { url, browser } = meeting
  const start = (room: string) => LiveCall.start({ url, browser, room, guests: forum })
  const first = await start('first')
  try {
    const [taken] = await sfuPodsWith(meeting)
    for (let attempt = 1; ; attempt++) {
      const second = await start(`second-${attempt}`)
      const pods = await podsOf(meeting, 'sfu')
      const both = await Promise.all(pods.map((pod) => peopleOn(meeting, pod)))
      if (both.every((people) => people === forum.length)) return [first, second]
      await second.leave()
      await second.close()
      if (attempt === 5) throw new Error(`${taken} takes every call, and no other SFU pod does`)
      await sfuPodsWith(meeting)
    }
  } catch (error) {
    await first.close()
    throw error
  }
}
