import { adminPath, displayNameSchema, slugSchema } from '@parley/protocol'
import type { Command } from 'commander'
import { check, keysAndUrl, type LinkOptions, seconds } from './link-options.ts'

export function addAdmin(program: Command): void {
  program
    .command('admin')
    .description('make a link to the admin page: meetings as they are, quality, relay, cost')
    .option('--cluster <ns/name>', 'the MeetingCluster whose meetings they are')
    .option(
      '--key-file <file>',
      'file with the keys of join tokens, for a server without a cluster',
    )
    .option(
      '--url <url>',
      'address of the web page (default: https:// and the domain of the cluster)',
    )
    .option('--expires <duration>', 'how long the link is good, such as 8h', '8h')
    .option('--name <name>', 'who it is for')
    .option('--tenant <tenant>', 'whose meetings are seen; no other ones are', 'default')
    .option('--kubeconfig <file>', 'kubeconfig (default: $KUBECONFIG)')
    .addHelpText(
      'after',
      `
The link carries its token after the "#", which browsers send to no server. Whoever has the link sees
every meeting of the tenant until it expires: send it as you would send a password.

Examples:
  $ parley admin --cluster meetings/demo
  $ parley admin --cluster meetings/demo --tenant acme --name 'Ada' --expires 30m
  $ parley admin --key-file join-key --url http://127.0.0.1:8080
`,
    )
    .action(async (options: AdminOptions) => {
      const wanted = parseAdmin(options)
      const { keys, url } = await keysAndUrl(options)
      console.log(await adminLink(wanted, keys, url, Date.now()))
    })
}

interface AdminOptions extends LinkOptions {
  expires: string
  name?: string
  tenant: string
}

/** What is asked for, checked. @throws UsageError */
export function parseAdmin({ expires, tenant, name }: AdminOptions) {
  return {
    ttlSeconds: seconds(expires),
    tenant: check('--tenant', slugSchema, tenant),
    name: name === undefined ? undefined : check('--name', displayNameSchema, name),
  }
}

/**
 * The link, signed with the newest of the keys.
 *
 * @param url of the web page; undefined: only the path
 */
export async function adminLink(
  { ttlSeconds, ...granted }: ReturnType<typeof parseAdmin>,
  keys: string,
  url: string | undefined,
  nowMs: number,
): Promise<string> {
  const { signAdminLink } = await import('@parley/signaling/admin')
  const { parseKeyList } = await import('@parley/signaling/key-list')
  const path = adminPath(await signAdminLink(parseKeyList(keys)[0], granted, nowMs, ttlSeconds))
  return url === undefined ? path : new URL(path, url).href
}
