/**
 * A Socket.IO client of little more than a WebSocket, so that the load takes less of the machine than what is measured.
 * Packets are those of Engine.IO 4 and Socket.IO 5: one digit for each, the number of an acknowledgement, JSON.
 */
export class RawClient {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (answer: unknown) => void>()
  #next = 0
  #connected: () => void = () => {}
  /** Events that came without being an answer. */
  heard = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** @param url origin of the server. @param auth what the server's middleware reads. @throws where it lets nobody in */
  static connect(url: string, auth: object): Promise<RawClient> {
    const address = `${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`
    const client = new RawClient(new WebSocket(address))
    return new Promise((resolve, reject) => {
      client.#connected = () => resolve(client)
      const socket = client.#socket
      socket.addEventListener('message', ({ data }) => client.#read(String(data), auth, reject))
      socket.addEventListener('error', () => reject(new Error(`no connection to ${url}`)))
      socket.addEventListener('close', () => reject(new Error(`${url} closed the connection`)))
    })
  }

  /** Resolves with what the server acknowledges it with. */
  ask(event: string, message: unknown): Promise<unknown> {
    const id = this.#next++
    const answer = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve))
    this.#socket.send(`42${id}${JSON.stringify([event, message])}`)
    return answer
  }

  close(): void {
    this.#socket.close()
  }

  #read(packet: string, auth: object, reject: (error: Error) => void): void {
    if (packet.startsWith('43')) {
      const start = packet.indexOf('[')
      const id = Number(packet.slice(2, start))
      const resolve = this.#waiting.get(id)
      this.#waiting.delete(id)
      resolve?.((JSON.parse(packet.slice(start)) as unknown[])[0])
    } else if (packet.startsWith('42')) this.heard += 1
    else if (packet.startsWith('40')) this.#connected()
    else if (packet.startsWith('44')) reject(new Error(`refused: ${packet.slice(2)}`))
    else if (packet.startsWith('0')) this.#socket.send(`40${JSON.stringify(auth)}`)
    else if (packet === '2') this.#socket.send('3')
  }
}
