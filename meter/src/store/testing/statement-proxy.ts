import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A statement of a client of a MySQL server, on its way there. */
export type Statement = {
  /** Which connection it came over, from 1. */
  connection: number
  sql: string
}

export type StatementProxy = {
  port: number
  stop(): Promise<void>
}

/** In the protocol of MySQL, after a packet's length and number. */
const COM_QUERY = 3
const HEAD = 4

/**
 * Stands before a MySQL server and reads what it is asked for, without TLS. A client that waits for each answer says
 * one statement a piece of what comes.
 *
 * @param onStatement settles when the statement may go on; `false`: it never arrives, and the connection is cut
 */
export async function startStatementProxy(
  serverPort: number,
  onStatement: (statement: Statement) => Promise<boolean>,
): Promise<StatementProxy> {
  const sockets = new Set<Socket>()
  let connections = 0
  const proxy = createServer((client) => {
    connections += 1
    const connection = connections
    const server = connect(serverPort, '127.0.0.1')
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one)
      // Clients are killed.
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
    server.on('data', (data) => client.write(data))
    let before = Promise.resolve()
    client.on('data', (data) => {
      before = before.then(async () => {
        const sql = data[HEAD] === COM_QUERY ? data.toString('utf8', HEAD + 1).trim() : ''
        if (sql === '' || (await onStatement({ connection, sql }))) server.write(data)
        else client.destroy()
      })
    })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets) socket.destroy()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
