/** As much of oidc-provider, which comes without types, as tests use. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http'

  export default class Provider {
    constructor(issuer: string, configuration: object)
    callback(): RequestListener
    on(event: 'server_error', heard: (context: unknown, error: Error) => void): void
  }
}
