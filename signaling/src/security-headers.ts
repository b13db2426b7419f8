/**
 * Headers of every answer: the page runs what comes from here, talks to here and to the identity provider, and is
 * shown in no other page.
 *
 * @param signInAt URL of the identity provider, where people sign in
 */
export function securityHeaders(signInAt?: string): Record<string, string> {
  const provider = signInAt === undefined ? '' : ` ${new URL(signInAt).origin}`
  return {
    'content-security-policy': [
      "default-src 'self'",
      `connect-src 'self' ws: wss:${provider}`,
      "img-src 'self' data: blob:",
      "media-src 'self' blob:",
      "worker-src 'self' blob:",
      "style-src 'self' 'unsafe-inline'",
      "base-uri 'none'",
      "object-src 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(self), microphone=(self), display-capture=(self)',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  }
}
