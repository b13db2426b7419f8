/** The SFU pods of a meeting: who is on which, and how one dies. */
import { LiveCall } from '../call.ts'
import { browserFirst } from './browser-first.ts'
import { forum } from './calls.ts'
import { type Meeting, name, namespace, podsOf } from './meeting.ts'

/** LiveKit's own account, in the Redis that its pods share: on which of them a room is, and what that one says of itself. */
const WHERE = `
export REDISCLI_AUTH="$(cat /etc/parley/secrets/redis/password)"
redis-cli hget nodes "$(redis-cli hget room_node_map "$0")"`

/** The SFU pod that has a room of the default tenant. @throws where none has it */
export async function sfuPodOf(meeting: Meeting, room: string): Promise<string> {
  const redis = ['exec', `${name}-redis-0`, '-n', namespace, '--', 'sh', '-c', WHERE]
  const said = await meeting.stack.kubectl([...redis, `default.${room}`])
  const [address] = /\d+(\.\d+){3}/.exec(said) ?? []
  const sfu = (await podsOf(meeting, 'sfu')).find(({ node }) => meeting.nodes[node] === address)
  if (!sfu) throw new Error(`no SFU pod has ${room}: LiveKit says ${JSON.stringify(said)}`)
  return sfu.pod
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
    const taken = await sfuPodOf(meeting, 'first')
    for (let attempt = 1; attempt <= 5; attempt++) {
      const room = `second-${attempt}`
      const second = await start(room)
      browserFirst()
      if ((await sfuPodOf(meeting, room)) !== taken) return [first, second]
      await second.leave()
      await second.close()
    }
    throw new Error(`${taken} takes every call, and no other SFU pod does`)
  } catch (error) {
    await first.leave()
    await first.close()
    throw error
  }
}
