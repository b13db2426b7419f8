import { createStore } from 'zustand/vanilla'

type DocumentPictureInPicture = {
  requestWindow(options: { width: number; height: number }): Promise<Window>
}

/** The window that the call is in while one looks at something else; null while there is none. */
export const miniatureWindow = createStore<{ open: Window | null }>()(() => ({ open: null }))

/** Chromium has windows of any content for it, other browsers only the picture of one video. */
const windows = (window as { documentPictureInPicture?: DocumentPictureInPicture })
  .documentPictureInPicture

export const ownMiniature = {
  possible: windows !== undefined || document.pictureInPictureEnabled,

  /** Opens it, or closes it where it is open. Never rejects: where it is refused, nothing happens. */
  async open(): Promise<void> {
    const { open } = miniatureWindow.getState()
    if (open) return open.close()
    await (windows ? openWindow(windows) : openVideo()).catch(() => {})
  },

  close(): void {
    miniatureWindow.getState().open?.close()
  },
}

async function openWindow(pictures: DocumentPictureInPicture): Promise<void> {
  const opened = await pictures.requestWindow({ width: 380, height: 260 })
  const { document: page } = opened
  for (const sheet of document.querySelectorAll('link[rel="stylesheet"], style'))
    page.head.append(sheet.cloneNode(true))
  page.documentElement.lang = document.documentElement.lang
  page.documentElement.dataset.theme = document.documentElement.dataset.theme ?? 'system'
  page.title = document.title
  opened.addEventListener('pagehide', () => miniatureWindow.setState({ open: null }), {
    once: true,
  })
  miniatureWindow.setState({ open: opened })
}

async function openVideo(): Promise<void> {
  if (document.pictureInPictureElement) return document.exitPictureInPicture()
  const videos = [...document.querySelectorAll<HTMLVideoElement>('.stage .tile:not(.own) video')]
  const largest = videos.sort((a, b) => b.clientWidth - a.clientWidth)[0]
  await largest?.requestPictureInPicture()
}
