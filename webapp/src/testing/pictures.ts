/**
 * The pictures of the docs: `node webapp/src/testing/pictures.ts DIRECTORY [only…]`
 *
 * The real page in Chromium, with painted people in place of a camera.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { startMeetingRig } from './meetingRig.ts'
import { inCallWith, inState } from './pages.ts'
import { paintCamera } from './paintedCamera.ts'

const [directory, ...only] = process.argv.slice(2)
if (!directory) {
  console.error('error: usage: node webapp/src/testing/pictures.ts DIRECTORY [NAME…]')
  process.exit(2)
}

const desktop = { width: 1280, height: 720 }
const phone = { width: 390, height: 844 }
const people = ['Ana', 'Minh', 'Kofi', 'Sofia', 'Jonas', 'Aiko', 'Omar', 'Linh']

type Picture = {
  size: { width: number; height: number }
  /** 0: the lobby; undefined: the landing page. */
  people?: number
  scheme?: 'light' | 'dark'
  language?: 'en' | 'vi'
  share?: 'other' | 'own'
  /** Of its own, where something stays in it. */
  room?: string
  /** So many come before the one whose page it is. */
  before?: number
  /** What moves is wanted as it is. */
  moving?: boolean
  /** @param others in the order in which they came */
  do?(page: Page, others: Page[]): Promise<void>
}

const pictures: Record<string, Picture> = {
  landing: { size: desktop },
  lobby: { size: desktop, people: 0 },
  call: { size: desktop, people: 4 },
  share: { size: desktop, people: 4, share: 'other' },
  dark: { size: desktop, people: 4, scheme: 'dark', share: 'other' },
  phone: { size: phone, people: 3 },
  chat: { size: desktop, people: 3, room: 'design-review', do: chat },
  people: { size: desktop, people: 3, scheme: 'dark', do: (page) => showPeople(page, '3 people') },
  settings: { size: desktop, people: 2, do: (page) => settings(page) },
  'phone-landing': { size: phone, scheme: 'dark' },
  'phone-lobby': { size: phone, people: 0 },
  'phone-chat': {
    size: phone,
    people: 3,
    scheme: 'dark',
    room: 'evening-class',
    do: chat,
  },
  'phone-left': { size: phone, people: 1, do: (page) => leave(page) },
  recording: { size: desktop, people: 3, room: 'town-hall', do: record },
  'phone-recording': {
    size: phone,
    people: 2,
    scheme: 'dark',
    room: 'book-club',
    before: 1,
    do: (page, [ana]) => askToRecord(page, ana),
  },
  encryption: { size: desktop, people: 3, scheme: 'dark', room: 'board', do: encrypt },
  health: { size: desktop, people: 3, do: (page) => health(page) },
  'phone-health': { size: phone, people: 2, scheme: 'dark', do: (page) => health(page) },
  reactions: { size: desktop, people: 4, moving: true, do: react },
  captions: { size: desktop, people: 4, scheme: 'dark', room: 'monday', do: caption },
  // The last one: it leaves the room locked.
  knock: { size: desktop, people: 2, do: (page) => behindTheDoor(page) },
}
/** To be looked at, not kept: every screen in every size. */
const sizes = {
  wide: { width: 1440, height: 900 },
  desktop,
  phone,
  sideways: { width: 844, height: 390 },
}
for (const [name, size] of Object.entries(sizes))
  for (const scheme of ['light', 'dark'] as const) {
    for (const count of [1, 2, 4, 8])
      pictures[`look-${name}-${scheme}-${count}`] = { size, scheme, people: count }
    pictures[`look-${name}-${scheme}-share`] = { size, scheme, people: 4, share: 'other' }
    pictures[`look-${name}-${scheme}-own`] = { size, scheme, people: 3, share: 'own' }
    pictures[`look-${name}-${scheme}-lobby`] = { size, scheme, people: 0 }
    pictures[`look-${name}-${scheme}-landing`] = { size, scheme }
    pictures[`look-${name}-${scheme}-vi`] = { size, scheme, language: 'vi' }
    pictures[`look-${name}-${scheme}-speaker`] = {
      size,
      scheme,
      people: 6,
      do: async (page) => {
        await page.getByRole('button', { name: 'More', exact: true }).click()
        await page.getByRole('menuitemradio', { name: 'Who speaks, large' }).click()
        await page.getByRole('menuitemradio').first().waitFor({ state: 'detached' })
      },
    }
    pictures[`look-${name}-${scheme}-menu`] = {
      size,
      scheme,
      people: 2,
      do: (page) => page.getByRole('button', { name: 'More', exact: true }).click(),
    }
  }

const wanted = Object.entries(pictures).filter(([name]) =>
  only.length > 0 ? only.some((one) => name.startsWith(one)) : !name.startsWith('look-'),
)
const rig = await startMeetingRig(8)
const server = await rig.start(0)
const browser = await launchChromium()
try {
  await mkdir(directory, { recursive: true })
  for (const [name, picture] of wanted) await take(browser, name, picture)
} finally {
  await browser.close()
  await server.close()
  await rig.clean()
}

async function chat(page: Page, [minh, kofi]: Page[]): Promise<void> {
  const said: [Page | undefined, string][] = [
    [minh, 'Good morning! The plan is at https://example.org/plan'],
    [kofi, 'Thanks. Page two is new, is it?'],
    [minh, 'Yes, since yesterday 👍'],
    [page, 'Shall we begin with the numbers?'],
  ]
  for (const one of [page, minh, kofi]) await one?.getByRole('button', { name: /^Chat/ }).click()
  for (const [one, text] of said) {
    await one?.getByRole('textbox', { name: 'Write a message' }).fill(text)
    await one?.keyboard.press('Enter')
    await page.getByRole('log', { name: 'Messages' }).getByText(text).waitFor()
  }
  // Off what would say its name.
  await page.mouse.move(0, 0)
  await page.getByRole('tooltip').waitFor({ state: 'detached' })
  // Painting people is hard work, and looks like little room for them.
  const slow = page.getByText('Your connection is slow')
  await slow.waitFor({ state: 'detached', timeout: 60_000 })
}

async function showPeople(page: Page, button: string): Promise<void> {
  await page.getByRole('button', { name: button }).click()
  await page.getByRole('list', { name: 'Participants' }).waitFor()
}

async function settings(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Settings' }).click()
  await page.getByRole('tab', { name: 'Audio' }).waitFor()
}

async function more(page: Page, item: string): Promise<void> {
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: item, exact: true }).click()
}

/** Two agree, and it runs. */
async function record(page: Page, others: Page[]): Promise<void> {
  await more(page, 'Record')
  for (const one of others) await one.getByRole('button', { name: 'I agree', exact: true }).click()
  await page.getByRole('button', { name: 'You record this meeting' }).click()
  await page.getByText('MB so far').waitFor()
}

/** The page is asked by who came before it. */
async function askToRecord(page: Page, host: Page | undefined): Promise<void> {
  if (host) await more(host, 'Record')
  await page.getByRole('button', { name: 'I agree', exact: true }).waitFor()
}

async function encrypt(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Encryption/ }).click()
  await page.getByRole('button', { name: 'Encrypt with a key' }).click()
  await page.getByRole('button', { name: 'Copy the link with the key' }).waitFor()
}

async function health(page: Page): Promise<void> {
  await more(page, 'Call health')
  // How much is sent is known with the second reading.
  await page
    .getByText(/\d kbit\/s received/)
    .first()
    .waitFor()
  await page.mouse.move(0, 0)
}

async function react(page: Page, others: Page[]): Promise<void> {
  await page.getByRole('button', { name: 'React', exact: true }).click()
  const said = ['Applause', 'Celebration', 'Heart']
  for (const [index, one] of others.entries()) {
    await one.getByRole('button', { name: 'React', exact: true }).click()
    await one.getByRole('button', { name: said[index] ?? 'Thumbs up' }).click()
    await page.locator('.float').nth(index).waitFor()
  }
  await page.getByRole('button', { name: 'Thumbs up' }).click()
  // Until the last one can be seen.
  await page.waitForTimeout(700)
}

/** In place of a browser's recognition, which sends what it hears to its maker. */
async function caption(page: Page): Promise<void> {
  await more(page, 'Captions of my voice')
  await page.getByRole('alertdialog').getByRole('button', { name: 'Turn on' }).click()
  await page.getByRole('log', { name: 'Captions' }).getByText('numbers of May').waitFor()
}

/** Runs in the page, before all else: what a browser asks of its system, or of its maker. */
function doWithoutSystem(): void {
  const said = ['Good morning, everybody.', 'Shall we begin with the numbers of May?']
  class Recognition {
    onresult = (_event: object) => {}
    onend = () => {}
    start() {
      const results = said.map((transcript) => ({ isFinal: true, 0: { transcript } }))
      setTimeout(() => this.onresult({ resultIndex: 0, results }), 100)
    }
    abort() {}
  }
  Object.assign(window, {
    SpeechRecognition: Recognition,
    webkitSpeechRecognition: Recognition,
    // A dialog that nobody answers here.
    showSaveFilePicker: undefined,
  })
}

/** Somebody knocks at the door that the page has locked. */
async function behindTheDoor(page: Page): Promise<void> {
  await showPeople(page, '2 people')
  await page.getByRole('button', { name: 'For the whole room' }).click()
  await page.getByRole('menuitem', { name: 'Lock the room' }).click()
  const context = await browser.newContext({ permissions: ['camera', 'microphone'] })
  const guest = await context.newPage()
  await guest.goto(`${server.url}${new URL(page.url()).pathname}?name=Kofi&autojoin=1`)
  await page.getByRole('button', { name: 'Let in: Kofi' }).waitFor()
}

async function leave(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Leave', exact: true }).click()
  await page.getByRole('heading', { name: 'You left the meeting' }).waitFor()
}

async function take(browser: Browser, name: string, picture: Picture): Promise<void> {
  const { size, people: count, scheme = 'light', language = 'en', share } = picture
  const { room = 'weekly-planning', before = 0, moving = false } = picture
  const look: BrowserContextOptions = {
    colorScheme: scheme,
    deviceScaleFactor: 2,
    hasTouch: size === phone,
    isMobile: size === phone,
    locale: language,
  }
  const open = async (path: string, index: number, options: BrowserContextOptions) => {
    const context = await browser.newContext({
      ...options,
      permissions: ['camera', 'microphone', 'clipboard-write'],
    })
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    await page.addInitScript(paintCamera, index)
    await page.addInitScript(doWithoutSystem)
    await page.goto(`${server.url}${path}`)
    return page
  }
  const pages: Page[] = []
  try {
    if (count === undefined) {
      pages.push(await open('/', 0, { ...look, viewport: size }))
      await pages[0]?.locator('h1').waitFor()
    } else if (count === 0) {
      pages.push(await open(`/r/${room}?name=Ana`, 0, { ...look, viewport: size }))
      await pages[0]?.locator('.preview video').waitFor()
    } else {
      for (let index = 0; index < count; index++) {
        const options =
          index === before ? { ...look, viewport: size } : { viewport: { width: 320, height: 240 } }
        const page = await open(`/r/${room}?name=${people[index]}&autojoin=1`, index, options)
        await inState(page, 'joined')
        if (index === before) pages.unshift(page)
        else pages.push(page)
      }
      if (pages[0]) await inCallWith(pages[0], count - 1)
      const sharing = share === 'other' ? pages[1] : share === 'own' ? pages[0] : undefined
      await sharing?.keyboard.press('s')
      await pages[0]
        ?.locator(share ? '.tile.screen video' : '.stage')
        .first()
        .waitFor()
      await pages[0]?.locator('.toast').first().waitFor({ state: 'detached' })
    }
    const [page] = pages
    if (!page) return
    await picture.do?.(page, pages.slice(1))
    await page.waitForFunction(() =>
      [...document.querySelectorAll('video')].every(({ readyState }) => readyState >= 2),
    )
    await page.screenshot({
      path: join(directory as string, `${name}.png`),
      animations: moving ? 'allow' : 'disabled',
    })
    console.log(name)
  } finally {
    for (const page of pages) await page.context().close()
  }
}
