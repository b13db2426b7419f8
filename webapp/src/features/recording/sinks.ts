/** Where a recording is written, piece after piece: never all of it is in memory. */
export type Sink = {
  write(piece: Blob): Promise<void>
  /** The file is whole, and the person has it. */
  close(): Promise<void>
  /** Nothing was written. */
  discard(): Promise<void>
}

type SavePicker = (options: {
  suggestedName: string
  types: { accept: Record<string, string[]> }[]
}) => Promise<FileSystemFileHandle>

/** What a browser without a file system for pages may hold in memory. */
const memoryMaxBytes = 512 * 2 ** 20

/**
 * A file that the person chooses, where the browser lets a page write one; else a file of the site's own, which
 * is downloaded at the end; else memory, up to a limit.
 *
 * @returns undefined where the person would rather not
 */
export async function openSink(name: string, type: string): Promise<Sink | undefined> {
  const extension = type.startsWith('video/mp4') ? '.mp4' : '.webm'
  const mime = type.split(';')[0] as string
  const picker = (window as { showSaveFilePicker?: SavePicker }).showSaveFilePicker
  if (picker) {
    const types = [{ accept: { [mime]: [extension] } }]
    const handle = await picker({ suggestedName: name + extension, types }).catch((error) => {
      if ((error as DOMException).name !== 'AbortError') throw error
    })
    if (!handle) return undefined
    const file = await handle.createWritable()
    return {
      write: (piece) => file.write(piece),
      close: () => file.close(),
      discard: () => file.abort(),
    }
  }
  return (await openOwnFile(name + extension).catch(() => undefined)) ?? inMemory(name + extension)
}

const ownFile = 'recording'

/** In the site's own file system, which is on the disk. */
async function openOwnFile(name: string): Promise<Sink> {
  const directory = await navigator.storage.getDirectory()
  // One name for all: the one before makes room for the next.
  const handle = await directory.getFileHandle(ownFile, { create: true })
  const file = await handle.createWritable()
  return {
    write: (piece) => file.write(piece),
    async close() {
      await file.close()
      download(await handle.getFile(), name)
    },
    async discard() {
      await file.abort()
      await directory.removeEntry(ownFile)
    },
  }
}

function inMemory(name: string): Sink {
  const pieces: Blob[] = []
  let bytes = 0
  return {
    async write(piece) {
      bytes += piece.size
      if (bytes > memoryMaxBytes) throw new Error('a longer recording does not fit into memory')
      pieces.push(piece)
    },
    async close() {
      download(new Blob(pieces), name)
    },
    async discard() {},
  }
}

function download(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
}
