import type { Readable } from 'node:stream'

/** The first line of a stream that `accepts`; the stream flows on afterwards. */
export function firstLine(stream: Readable, accepts: (line: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    stream.on('data', (chunk) => {
      text += String(chunk)
      const line = text.split('\n').slice(0, -1).find(accepts)
      if (line !== undefined) resolve(line)
    })
    stream.once('end', () => reject(new Error(`ended without the line awaited: ${text}`)))
  })
}
