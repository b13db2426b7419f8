import { displayNameSchema, invitePath, type Role, roles, slugSchema } from '@parley/protocol'
import { type Command, Option } from 'commander'
import { check, keysAndUrl, type LinkOptions, seconds } from './link-options.ts'

export function addInvite(program: Command): void {
  program
    .command('invite')
    .description('make a link by which somebody comes to a room, as a host for example')
    .requiredOption('--room <room>', 'the room, as in its address')
    .option('--cluster <ns/name>', 'the MeetingCluster whose room it is')
    .option(
      '--key-file <file>',
      'file with the keys of join tokens, for a server without a cluster',
    )
    .option(
      '--url <url>',
      'address of the web page (default: https:// and the domain of the cluster)',
    )
    .addOption(new Option('--role <role>', 'what they are in it').choices(roles).default('guest'))
    .option('--expires <duration>', 'how long the link is good, such as 24h', '24h')
    .option('--name <name>', 'the name that whoever comes by it has')
    .option('--tenant <tenant>', 'whose room it is', 'default')
    .option('--once', 'good for one join only')
    .option('--kubeconfig <file>', 'kubeconfig (default: $KUBECONFIG)')
    .addHelpText(
      'after',
      `
The link carries its token after the "#", which browsers send to no server. Whoever has the link has
what it grants: send it as you would send a password.

Examples:
  $ parley invite --cluster meetings/demo --room standup --role host
  $ parley invite --cluster meetings/demo --room standup --role member --name 'Ada' --once
  $ parley invite --key-file join-key --url http://127.0.0.1:8080 --room test --expires 1h
`,
    )
    .action(async (options: InviteOptions) => {
      const wanted = parseInvite(options)
      const { keys, url } = await keysAndUrl(options)
      console.log(await inviteLink(wanted, keys, url, Date.now()))
    })
}

interface InviteOptions extends LinkOptions {
  room: string
  role: Role
  expires: string
  name?: string
  tenant: string
  once?: boolean
}

/** What is asked for, checked. @throws UsageError */
export function parseInvite(options: InviteOptions) {
  const { role, once = false } = options
  const ttlSeconds = seconds(options.expires)
  const room = check('--room', slugSchema, options.room)
  const tenant = check('--tenant', slugSchema, options.tenant)
  const name = options.name && check('--name', displayNameSchema, options.name)
  return { room, tenant, role, once: once || undefined, name: name || undefined, ttlSeconds }
}

/**
 * The link, signed with the newest of the keys.
 *
 * @param url of the web page; undefined: only the path
 */
export async function inviteLink(
  { ttlSeconds, ...invitation }: ReturnType<typeof parseInvite>,
  keys: string,
  url: string | undefined,
  nowMs: number,
): Promise<string> {
  const { signInvite } = await import('@parley/signaling/invite')
  const { parseKeyList } = await import('@parley/signaling/key-list')
  const { invite } = await signInvite(parseKeyList(keys)[0], invitation, nowMs, ttlSeconds)
  const path = invitePath(invitation.room, invite)
  return url === undefined ? path : new URL(path, url).href
}
