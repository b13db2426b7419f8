/**
 * Browsers that hold calls, from the versions on in which they do all that a call needs. Styles are built for these
 * (vite.config.ts); code takes nothing from later ones without asking for it, which a test looks after.
 */
export const supportedBrowsers = ['Chrome 111', 'Edge 111', 'Firefox 121', 'Safari 16.4'] as const

/** What a call cannot do without, by the names that a browser has for it. */
const needed = [
  'RTCPeerConnection',
  'RTCRtpTransceiver',
  'RTCRtpSender',
  'MediaStream',
  'WebSocket',
] as const

/**
 * What of it a browser lacks; empty where calls can be held.
 *
 * @param scope what a browser has: its `window`
 */
export function lacking(scope: object): string[] {
  const names: string[] = needed.filter((name) => !(name in scope))
  const sender = (scope as { RTCRtpSender?: { prototype?: object } }).RTCRtpSender
  if (sender && !('setParameters' in (sender.prototype ?? {})))
    names.push('RTCRtpSender.setParameters')
  return names
}
