import {
  chatTextMax,
  chatTextPatterns,
  displayNameMax,
  displayNamePatterns,
  errorCodes,
  type JoinResponse,
  keyMarkPattern,
  type MediaState,
  type PageConfig,
  type ProtocolError,
  roles,
  slugPattern,
} from '@parley/protocol'
import {
  fields,
  flag,
  list,
  matching,
  number,
  oneOf,
  optional,
  read,
  type Shape,
  text,
  variant,
} from './shape.ts'

/** What a page reads of the protocol before somebody joins: the same as the schemas of those names. */

export const slug: Shape<string> = matching(slugPattern)

export const displayName: Shape<string> = (value) =>
  matching(
    displayNamePatterns.harmless,
    displayNamePatterns.seen,
  )(text(1, displayNameMax)(text()(value).trim()))

export const chatText: Shape<string> = (value) =>
  matching(chatTextPatterns.harmless, chatTextPatterns.seen)(text(0, chatTextMax)(value))

/** As others are to see it; undefined where it is no name (REQ-P3). */
export const nameOf = (typed: unknown): string | undefined => read(displayName, typed)

export const mediaState: Shape<MediaState> = fields({
  audio: flag,
  video: flag,
  screen: optional(flag),
  e2ee: optional(matching(keyMarkPattern)),
})

const url: Shape<string> = (value) => {
  const found = text()(value).trim()
  new URL(found)
  return found
}

/** A whole number above 0. */
const count: Shape<number> = (value) => {
  if (!Number.isSafeInteger(value)) throw new TypeError('not a whole number')
  return number(1)(value)
}

export const pageConfig: Shape<PageConfig> = fields({
  auth: variant<'mode', PageConfig['auth']>('mode', {
    Token: fields({
      mode: oneOf(['Token']),
      guests: oneOf(['Admit', 'Knock', 'Refuse']),
    }),
    OIDC: fields({
      mode: oneOf(['OIDC']),
      issuer: url,
      clientId: text(),
      scope: (value) => (value === undefined ? 'openid profile' : text()(value)),
    }),
  }),
  errors: optional(fields({ dsn: url, environment: text(), release: text() })),
  metrics: optional(fields({ statsMs: count, emitMs: count })),
})

const iceServer = fields({
  urls: list(text(), 1),
  username: optional(text()),
  credential: optional(text()),
})

export const joinResponse: Shape<JoinResponse> = fields({
  token: text(),
  participantId: slug,
  room: slug,
  tenant: slug,
  role: oneOf(roles),
  name: displayName,
  iceServers: list(iceServer, 1),
  media: variant<'mode', JoinResponse['media']>('mode', {
    mesh: fields({ mode: oneOf(['mesh']) }),
    sfu: fields({ mode: oneOf(['sfu']), engine: oneOf(['LiveKit']), token: optional(text()) }),
  }),
})

export const protocolError: Shape<ProtocolError> = fields({
  code: oneOf(errorCodes),
  message: text(),
})
