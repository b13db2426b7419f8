import { request } from 'node:https'
import type { Pair } from '../certificate.ts'

export interface Reply {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look anywhere into answers of many kinds
  body: any
  type: string
}

/** Asks the metrics API itself, past the API server. Rejects where its certificate is not of `ca` and for `host`. */
export function ask(
  server: { port: number; ca: string; host: string },
  path: string,
  options: {
    client?: Pair | undefined
    headers?: Record<string, string | string[]>
    method?: string
  } = {},
): Promise<Reply> {
  const { client, headers = {}, method = 'GET' } = options
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: server.port,
        servername: server.host,
        ca: server.ca,
        path,
        method,
        headers,
        agent: false,
        ...(client ? { cert: client.certificate, key: client.key } : {}),
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            body: JSON.parse(text),
          }),
        )
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}
