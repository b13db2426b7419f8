/** Makes the icons of the installed page from favicon.svg: `node webapp/src/testing/icons.ts` */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { launchChromium } from './chromium.ts'

const folder = fileURLToPath(new URL('../../public', import.meta.url))
const logo = await readFile(`${folder}/favicon.svg`, 'utf8')
const ground = /<rect[^>]* fill="(#[0-9a-f]+)"/.exec(logo)?.[1] ?? ''

/** `bleed`: the ground goes to the edges, and the sign stays within what a mask may leave. */
const icons = [
  { file: 'icon-192.png', size: 192, bleed: false },
  { file: 'icon-512.png', size: 512, bleed: false },
  { file: 'icon-maskable.png', size: 512, bleed: true },
  { file: 'apple-touch-icon.png', size: 180, bleed: true },
]

const browser = await launchChromium()
try {
  for (const { file, size, bleed } of icons) {
    const page = await browser.newPage({ viewport: { width: size, height: size } })
    const drawn = bleed ? Math.round(size * 0.84) : size
    await page.setContent(`<!doctype html><style>
      body { display: grid; place-items: center; height: 100vh; margin: 0; background: ${bleed ? ground : 'transparent'} }
      svg { width: ${drawn}px; height: ${drawn}px }
    </style>${logo}`)
    await page.screenshot({ path: `${folder}/${file}`, omitBackground: true })
    await page.close()
  }
} finally {
  await browser.close()
}
