/** The id of an SDP session: constant for one peer connection, new for the next (RFC 8866, 5.2). */
export function sdpSession(sdp: string | undefined): string {
  return originOf(sdp)[0] ?? ''
}

/**
 * Says in an answer which offer it is for, in an attribute that browsers pass over (RFC 8866, 5.13).
 * Without it, a late answer to an offer that was since made anew would be taken for the new one's.
 */
export function answerTo(offerSdp: string | undefined, answerSdp: string): string {
  return `${answerSdp}a=${attribute}:${originOf(offerSdp).join(' ')}\r\n`
}

/** Whether an answer is for this offer; one that does not say is taken to be. */
export function answers(answerSdp: string | undefined, offerSdp: string | undefined): boolean {
  const meant = new RegExp(`^a=${attribute}:(.*?)\\r?$`, 'm').exec(answerSdp ?? '')?.[1]
  return meant === undefined || meant === originOf(offerSdp).join(' ')
}

const attribute = 'x-parley-answers'

/** Session id and version, which together name one description of one peer connection. */
function originOf(sdp: string | undefined): string[] {
  const [, session = '', version = ''] = /^o=\S+ (\S+) (\S+)/m.exec(sdp ?? '') ?? []
  return [session, version]
}
