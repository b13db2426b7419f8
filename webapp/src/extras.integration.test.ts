import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Signaling } from '@parley/signaling'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { accessibilityProblems } from './testing/accessibility.ts'
import { launchChromium } from './testing/chromium.ts'
import { startMeetingRig } from './testing/meetingRig.ts'
import { inCallWith, inState, mediaSeen, untilPage } from './testing/pages.ts'
import { heardOf, listen, soundTone, toneHz } from './testing/tone.ts'

/** What the built page has besides the call itself, and how it is loaded, in real Chromium on loopback. */
let rig: Awaited<ReturnType<typeof startMeetingRig>>
let server: Signaling
const otherServers: Signaling[] = []
let browser: Browser
let tracker: Server
const envelopes: string[] = []
const problems: string[] = []

beforeAll(async () => {
  tracker = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    envelopes.push(`${request.method} ${request.url} ${body}`)
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end('{}')
  }).listen(0, '127.0.0.1')
  ;[browser, rig] = await Promise.all([
    launchChromium(),
    startMeetingRig(3),
    once(tracker, 'listening'),
  ])
  server = await rig.start(0)
}, 300_000)

afterAll(async () => {
  await browser?.close()
  await Promise.all([server, ...otherServers].map((one) => one?.close()))
  await rig?.clean()
  tracker.closeAllConnections()
  tracker.close()
}, 120_000)

async function blank(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({
    permissions: ['camera', 'microphone', 'clipboard-read', 'clipboard-write'],
    ...options,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  page.on('pageerror', (error) => problems.push(error.message))
  return page
}
async function enter(room: string, name: string, page: Promise<Page> = blank()): Promise<Page> {
  const entering = await page
  await entering.goto(`${server.url}/r/${room}?name=${name}&autojoin=1`)
  await inState(entering, 'joined')
  return entering
}
const close = (...pages: Page[]) => Promise.all(pages.map((page) => page.context().close()))
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
async function fromMenu(page: Page, item: string): Promise<void> {
  await button(page, 'More').click()
  await page.getByRole('menuitem', { name: item, exact: true }).click()
}

describe('beside the call', () => {
  it('REQ-M6, W3: call health says how one is connected, and gives a report for support that names nobody', async () => {
    const [ana, minh] = [
      await enter('secret-room', 'Anastasia'),
      await enter('secret-room', 'Minh'),
    ]
    await inCallWith(ana, 1)
    await fromMenu(ana, 'Call health')
    const panel = ana.getByRole('dialog', { name: 'Call health' })
    await panel.getByText('Minh').waitFor()
    await panel.getByText('Directly, within one network.').waitFor()
    await panel.getByText('See what is in it').click()
    expect(await accessibilityProblems(ana)).toEqual([])

    await button(ana, 'Copy report').click()
    await panel.getByText('Copied').waitFor()
    const copied = await ana.evaluate(() => navigator.clipboard.readText())
    const saved = async (name: string) => {
      const download = ana.waitForEvent('download')
      await button(ana, name).click()
      return readFile(await (await download).path(), 'utf8')
    }
    const [json, text] = [await saved('As JSON'), await saved('As text')]
    for (const report of [copied, text]) {
      expect(report).toContain('Person 1: connected')
      expect(report).toContain('way: directly, within one network')
    }
    expect(JSON.parse(json)).toMatchObject({
      report: 'parley call health',
      call: { phase: 'joined', signaling: 'up' },
      links: [{ person: 1, link: 'connected', usingRelay: false }],
    })
    for (const report of [copied, text, json])
      expect(report).not.toMatch(/Anastasia|Minh|secret-room|eyJ|[Aa]ddresses?"?: /)
    await panel.getByText('With network addresses').click()
    expect(JSON.parse(await saved('As JSON')).links[0].localAddress).toMatch(/[.:]/)
    expect(problems).toEqual([])
    await close(ana, minh)
  }, 120_000)

  it('the call is in a small window, too, which mutes, and ends with the call', async () => {
    const [ana, minh] = [await enter('small', 'Ana'), await enter('small', 'Minh')]
    await inCallWith(ana, 1)
    const opened = ana.context().waitForEvent('page')
    await fromMenu(ana, 'Small window')
    const small = await opened
    await small.getByText('Minh').waitFor()
    await small.waitForFunction(() => {
      const video = document.querySelector('video')
      return video !== null && video.videoWidth > 0 && video.currentTime > 0
    })
    // It looks as the page does.
    await small.waitForFunction(
      () => getComputedStyle(document.body).getPropertyValue('--accent') !== '',
    )
    await button(small, 'Mute').click()
    await mediaSeen(minh, 'Ana', false, true)
    await button(ana, 'Unmute').waitFor()
    await minh.keyboard.press('v')
    await small.locator('video').waitFor({ state: 'detached' })
    const closed = small.waitForEvent('close')
    await button(small, 'Leave').click()
    await closed
    await ana.getByRole('heading', { name: 'You left the meeting' }).waitFor()
    expect(problems).toEqual([])
    await close(ana, minh)
  }, 120_000)

  it('REQ-W3: axe-core finds nothing on what opens over a call: reactions, network, volume, encryption, a recording', async () => {
    const ana = await enter('opened', 'Ana', blank({ colorScheme: 'dark' }))
    const minh = await enter('opened', 'Minh', blank({ colorScheme: 'light' }))
    await Promise.all([ana, minh].map((page) => inCallWith(page, 1)))
    const found: Record<string, string[]> = {}
    const look = async (what: string, page: Page) => {
      const wrong = await accessibilityProblems(page)
      if (wrong.length > 0) found[what] = wrong
    }
    for (const [who, page] of [
      ['dark', ana],
      ['light', minh],
    ] as const) {
      const name = page === ana ? 'Minh' : 'Ana'
      for (const trigger of ['React', 'What the call takes of the network', `Volume of ${name}`]) {
        await button(page, trigger).click()
        await page.getByRole('dialog').waitFor()
        await look(`${trigger}, ${who}`, page)
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'detached' })
      }
      await page.locator('.encryption-button').click()
      await page.getByRole('dialog').waitFor()
      await look(`encryption, ${who}`, page)
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
    await ana.evaluate(() => Object.assign(window, { showSaveFilePicker: undefined }))
    await fromMenu(ana, 'Record')
    await ana.getByText('Still missing: Minh').waitFor()
    await button(minh, 'I agree').waitFor()
    await Promise.all([look('waits for a yes', ana), look('is asked', minh)])
    await button(minh, 'I agree').click()
    await ana.getByRole('button', { name: 'You record this meeting' }).click()
    await ana.getByText('MB so far').waitFor()
    await minh.getByRole('button', { name: 'Ana records this meeting' }).click()
    await minh.getByRole('button', { name: 'I do not agree any more: stop' }).waitFor()
    await Promise.all([look('records', ana), look('is recorded', minh)])
    expect([found, problems]).toEqual([{}, []])
    await close(ana, minh)
  }, 120_000)

  it('REQ-W3, W5: captions begin with a yes to where the voice goes, are said to screen readers, and rest while one is muted', async () => {
    const page = await blank()
    await page.addInitScript(() => {
      class Recognition {
        onresult = (_event: object) => {}
        onend = () => {}
        start() {
          speech.heard.push('start')
          speech.say = (transcript, isFinal) =>
            this.onresult({ resultIndex: 0, results: [{ isFinal, 0: { transcript } }] })
        }
        abort() {
          speech.heard.push('abort')
        }
      }
      const speech: Speech = { heard: [], say() {} }
      Object.assign(window, {
        webkitSpeechRecognition: Recognition,
        SpeechRecognition: Recognition,
      })
      Object.assign(window, { speech })
    })
    const ana = await enter('captioned', 'Ana', Promise.resolve(page))
    const speech = <Answer>(ask: (speech: Speech) => Answer) =>
      ana.evaluate(`(${ask})(window.speech)`) as Promise<Answer>
    // A microphone may open later than one is in the room.
    const began = (wanted: string) =>
      untilPage(
        ana,
        `recognition: ${wanted}`,
        async (wanted) => (window as unknown as { speech: Speech }).speech.heard.join() === wanted,
        wanted,
      )

    await fromMenu(ana, 'Captions of my voice')
    const question = ana.getByRole('alertdialog')
    await question.getByText('send the sound of your microphone to their makers').waitFor()
    expect(await speech(({ heard }) => heard)).toEqual([])
    await question.getByRole('button', { name: 'Turn on' }).click()
    await question.waitFor({ state: 'detached' })
    await began('start')

    const lane = ana.getByRole('log', { name: 'Captions' })
    expect(await lane.getAttribute('aria-live')).toBe('polite')
    await speech(({ say }) => say('good mor', false))
    await lane.getByText('Ana good mor', { exact: true }).waitFor()
    // A whole sentence goes after a while: looked for from before it is said.
    await Promise.all([
      lane.getByText('Ana good morning', { exact: true }).waitFor(),
      speech(({ say }) => say('good morning', true)),
    ])
    expect(await accessibilityProblems(ana)).toEqual([])

    await ana.keyboard.press('m')
    await button(ana, 'Unmute').waitFor()
    await began('start,abort')
    await ana.keyboard.press('m')
    await button(ana, 'Mute').waitFor()
    await began('start,abort,start')
    await fromMenu(ana, 'No more captions of my voice')
    await lane.getByText('good morning').waitFor({ state: 'detached' })
    await began('start,abort,start,abort')
    expect(problems).toEqual([])
    await close(ana)
  }, 120_000)

  it('REQ-P18: a screen is shared with its sound, which the others hear beside the voice', async () => {
    // What counts samples is a module of its own.
    const [ana, minh] = await Promise.all([blank({ bypassCSP: true }), blank({ bypassCSP: true })])
    const [voice, film, other] = [0, 4, 2]
    await soundTone(ana, voice)
    await soundTone(minh, other)
    await ana.addInitScript((hz) => {
      const devices = navigator.mediaDevices
      const open = devices.getDisplayMedia.bind(devices)
      // No machine without a sound card has sound to be shared.
      devices.getDisplayMedia = async (wanted) => {
        const stream = await open({ ...wanted, audio: false })
        if (!wanted?.audio) return stream
        const context = new AudioContext({ ...{ sampleRate: 48_000, sinkId: { type: 'none' } } })
        const destination = context.createMediaStreamDestination()
        const oscillator = new OscillatorNode(context, { frequency: hz })
        oscillator.connect(new GainNode(context, { gain: 0.1 })).connect(destination)
        oscillator.start()
        for (const track of destination.stream.getAudioTracks()) stream.addTrack(track)
        return stream
      }
    }, toneHz(film))
    await enter('loud', 'Ana', Promise.resolve(ana))
    await enter('loud', 'Minh', Promise.resolve(minh))
    await inCallWith(minh, 1)
    await listen(minh)
    const hears = (index: number) =>
      untilPage(
        minh,
        `tone ${index} is heard`,
        async (hz) => (await window.tones.heard(hz)).heardMs > 500,
        toneHz(index),
      )
    await hears(voice)
    expect((await heardOf(minh, film)).heardMs).toBe(0)
    await button(ana, 'Share screen').click()
    await minh.locator('.tile.screen.main video').waitFor()
    await hears(film)
    // Muting oneself mutes no film.
    await ana.keyboard.press('m')
    await mediaSeen(minh, 'Ana', false, true)
    await listen(minh)
    await hears(film)
    await ana.getByRole('toolbar').getByRole('button', { name: 'Stop sharing' }).click()
    await minh.locator('.tile.screen').waitFor({ state: 'detached' })
    expect(problems).toEqual([])
    await close(ana, minh)
  }, 120_000)

  it('REQ-W6: faults of a page go to an error tracker where the server names one, without room and name, and nowhere else', async () => {
    const { port } = tracker.address() as AddressInfo
    const pageDsn = `http://key@127.0.0.1:${port}/42`
    const told = await rig.start(0, { PARLEY_ERRORS_PAGE_DSN: pageDsn })
    otherServers.push(told)
    for (const [url, expected] of [
      [server.url, 0],
      [told.url, 1],
    ] as const) {
      const page = await blank()
      const elsewhere: string[] = []
      page.on('request', (request) => {
        if (!request.url().startsWith(url) && /^http/.test(request.url()))
          elsewhere.push(request.url())
      })
      const config = page.waitForResponse(/\/api\/config$/)
      await page.goto(`${url}/r/secret-room?name=Anastasia`)
      await page.locator('.preview video').waitFor()
      expect('errors' in (await (await config).json())).toBe(expected === 1)
      const envelope = expected === 1 ? page.waitForResponse(/\/envelope\//) : undefined
      // Over and over, as faults are that come with every frame: it is told once.
      await page.evaluate(() => {
        setInterval(() => {
          throw new TypeError('no tile of Anastasia in secret-room')
        }, 50)
      })
      await envelope
      const seen = problems.length
      while (problems.length < seen + 3) await page.waitForEvent('pageerror')
      expect(new Set(problems.splice(0))).toEqual(new Set(['no tile of Anastasia in secret-room']))
      expect(elsewhere).toHaveLength(expected)
      await close(page)
      // It went on until then.
      problems.length = 0
    }
    expect(envelopes).toHaveLength(1)
    expect(envelopes[0]).toMatch(/^POST \/api\/42\/envelope\/\?.*sentry_key=key .*TypeError/s)
    expect(envelopes[0]).not.toMatch(/Anastasia|secret-room/)
  }, 120_000)
})

describe('a link straight into a call', () => {
  it('REQ-W5: leads into no room that nobody has joined by hand on this device, and of another site into none', async () => {
    const page = await blank()
    // As people have it: who drives a browser by a program is led in anywhere.
    await page.addInitScript(() =>
      Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => false }),
    )
    const link = (room: string) => `${server.url}/r/${room}?name=Ana&autojoin=1`
    const join = button(page, 'Join now')
    const leave = async () => {
      await inState(page, 'joined')
      await button(page, 'Leave').click()
      await inState(page, 'left')
    }
    await page.goto(link('known'))
    await join.click()
    await leave()
    await page.goto(link('known'))
    await leave()
    for (const [from, room, expected] of [
      [server.url, 'other', link('other')],
      [server.url.replace('127.0.0.1', 'localhost'), 'known', link('known').replace('=1', '=0')],
    ] as const) {
      await page.goto(from)
      await page.evaluate((url) => location.assign(url), link(room))
      await join.waitFor()
      expect(page.url()).toBe(expected)
      // Said by code that comes while one is there.
      await inState(page, 'lobby')
    }
    expect(problems).toEqual([])
    await close(page)
  }, 120_000)
})

describe('the language of the page', () => {
  it('REQ-W3: is that of its components, too, in a browser of another one, which runs the other way', async () => {
    const page = await blank({ locale: 'ar-EG' })
    await page.goto(`${server.url}/r/words?name=Ana`)
    await button(page, 'Settings').click()
    const tab = (name: string) => page.getByRole('tab', { name, exact: true })
    await tab('Audio').press('ArrowRight')
    await page.waitForFunction(
      () => document.querySelector('[role=tab][aria-selected=true]')?.textContent === 'Video',
    )
    // What a screen reader finds after the last of a dialog.
    const ends = (label: string) =>
      page.waitForFunction((label) => {
        const all = document.querySelectorAll('.dialog-veil button[tabindex="-1"]')
        return all.length === 1 && all[0]?.getAttribute('aria-label') === label
      }, label)
    await ends('Close')
    await tab('Theme and language').click()
    await page.getByText('Tiếng Việt').click()
    await page.getByRole('heading', { name: 'Cài đặt' }).waitFor()
    await ends('Đóng')
    await close(page)
  }, 120_000)
})

describe('a name of 64 wide letters', () => {
  it('REQ-W3, W5: pushes nothing out of a small window, least of all what keeps its bearer out', async () => {
    const name = 'W'.repeat(64)
    const ana = await enter('long', 'Ana')
    const comes = async () => {
      const page = await blank()
      await page.goto(`${server.url}/r/long?name=${name}`)
      await button(page, 'Join now').click()
      return page
    }
    // As soon as it is there: a toast goes again.
    const inside = async (what: Locator) => {
      const { left, right } = await what.evaluate((element) => {
        const { left, right } = element.getBoundingClientRect()
        return { left, right }
      })
      expect(left).toBeGreaterThanOrEqual(0)
      expect(right).toBeGreaterThan(left)
      expect(right).toBeLessThanOrEqual(320)
    }
    await ana.setViewportSize({ width: 320, height: 640 })
    const [minh] = await Promise.all([comes(), inside(ana.locator('.toast', { hasText: 'W' }))])
    await inState(minh, 'joined')
    await ana.setViewportSize({ width: 1280, height: 800 })
    await ana.getByRole('button', { name: /^2 people/ }).click()
    await button(ana, 'For the whole room').click()
    await ana.getByRole('menuitem', { name: 'Lock the room' }).click()
    await ana.keyboard.press('Escape')
    await ana.setViewportSize({ width: 320, height: 640 })
    const mal = await comes()
    const knock = ana.locator('.callout.knock')
    await inside(knock)
    for (const choice of await knock.getByRole('button').all()) await inside(choice)
    expect(await knock.getByRole('button').count()).toBe(2)
    expect(problems).toEqual([])
    await close(ana, minh, mal)
  }, 120_000)
})

describe('high contrast', () => {
  it('REQ-W3: shows what is chosen and what is on by more than a ground, and has no fault that axe-core finds', async () => {
    const page = await blank({ forcedColors: 'active' })
    await page.goto(`${server.url}/r/lines?name=Ana`)
    await button(page, 'Settings').click()
    const lined = (selector: string) =>
      page.evaluate(
        (all) =>
          [...document.querySelectorAll(all)].map((one) => {
            const chosen = one.closest('[data-selected]') !== null
            return [chosen, getComputedStyle(one).outlineStyle !== 'none']
          }),
        selector,
      )
    await page.locator('.toggle').first().waitFor()
    await page.getByRole('tab', { selected: false }).first().waitFor()
    expect(await accessibilityProblems(page)).toEqual([])
    const found = await lined('.toggle-track')
    await page.getByRole('tab', { name: 'Theme and language' }).click()
    await page.locator('.segment').first().waitFor()
    found.push(...(await lined('.segment')))
    expect(new Set(found.map(([chosen]) => chosen))).toEqual(new Set([true, false]))
    for (const [chosen, line] of found) expect(line).toBe(chosen)
    expect(problems).toEqual([])
    await close(page)
  }, 120_000)
})

describe('an invitation', () => {
  it('REQ-W1, W5: for one person tells whoever comes by it after them, who are in as ever', async () => {
    const invite = await rig.invitation('doors', { ttlSeconds: 600, once: true })
    const path = `${server.url}/r/doors?name=Eve#invite=${invite}`
    const [eve, mal] = [await blank(), await blank()]
    await eve.goto(path)
    await button(eve, 'Join now').click()
    await inState(eve, 'joined')
    await mal.goto(path)
    await button(mal, 'Join now').click()
    await mal.getByRole('heading', { name: 'Your invitation was used already' }).waitFor()
    await mal.getByText('Ask a host for one of your own.').waitFor()
    expect(await accessibilityProblems(mal)).toEqual([])
    await eve.reload()
    await inState(eve, 'joined')
    expect(problems).toEqual([])
    await close(eve, mal)
  }, 120_000)
})

describe('the page as it is loaded', () => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
  const places = ['/', '/r/loaded?name=Ana'].flatMap((path) => [
    [path, 'desktop', {}] as const,
    [path, 'phone', phone] as const,
  ])

  it.each(places)(
    'REQ-W2, W3: %s on a %s: comes whole, from here alone, and moves nothing about',
    async (path, _device, options) => {
      const page = await blank(options)
      const [elsewhere, failed]: [string[], string[]] = [[], []]
      page.on('request', (request) => {
        if (/^http/.test(request.url()) && !request.url().startsWith(server.url))
          elsewhere.push(request.url())
      })
      page.on('response', (response) => {
        if (response.status() >= 400) failed.push(`${response.status()} ${response.url()}`)
      })
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) problems.push(message.text())
      })
      const caching = new Map<string, string | undefined>()
      page.on('response', (response) => {
        const { pathname } = new URL(response.url())
        if (!pathname.startsWith('/api/'))
          caching.set(pathname, response.headers()['cache-control'])
      })
      await page.addInitScript(() => {
        const shifts: Shift[] = []
        Object.assign(window, { shifts })
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) shifts.push(entry as unknown as Shift)
        }).observe({ type: 'layout-shift', buffered: true })
      })
      await page.goto(`${server.url}${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      if (path !== '/') await page.locator('.preview video').waitFor()
      await page.evaluate(() => document.fonts.ready)
      expect(await accessibilityProblems(page)).toEqual([])

      const { shift, wide, head } = await page.evaluate(() => ({
        shift: (window as unknown as { shifts: Shift[] }).shifts.reduce(
          (sum, one) => sum + one.value,
          0,
        ),
        wide: document.documentElement.scrollWidth - innerWidth,
        head: {
          lang: document.documentElement.lang,
          title: document.title,
          viewport: document.querySelector<HTMLMetaElement>('meta[name=viewport]')?.content,
          description: document.querySelector<HTMLMetaElement>('meta[name=description]')?.content,
        },
      }))
      // A tenth is what is called good.
      expect(shift).toBeLessThan(0.1)
      expect(wide).toBeLessThanOrEqual(0)
      expect(head).toMatchObject({ lang: 'en', title: expect.stringContaining('Parley') })
      expect(head.description?.length).toBeGreaterThan(20)
      expect(head.viewport).toContain('width=device-width')
      expect(head.viewport).not.toMatch(/user-scalable|maximum-scale/)
      for (const [file, how] of caching)
        expect([file, how]).toEqual([
          file,
          file.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        ])
      expect(caching.size).toBeGreaterThan(5)
      expect([elsewhere, failed, problems]).toEqual([[], [], []])
      await close(page)
    },
    60_000,
  )

  it('REQ-W3: can be installed: a manifest with a name, a start, and pictures of the sizes that it says', async () => {
    const page = await blank()
    await page.goto(server.url)
    const session = await page.context().newCDPSession(page)
    const { errors } = await session.send('Page.getAppManifest')
    expect(errors).toEqual([])
    const manifest = await (await fetch(`${server.url}/manifest.webmanifest`)).json()
    expect(manifest).toMatchObject({ name: 'Parley', start_url: '/', display: 'standalone' })
    const sizes: string[] = []
    for (const { src, sizes: said, purpose = 'any' } of manifest.icons) {
      if (said === 'any') continue
      const is = await page.evaluate(async (url) => {
        const picture = new Image()
        picture.src = url
        await picture.decode()
        return `${picture.naturalWidth}x${picture.naturalHeight}`
      }, src)
      expect(is).toBe(said)
      sizes.push(`${purpose} ${said}`)
    }
    expect(sizes).toEqual(
      expect.arrayContaining(['any 192x192', 'any 512x512', 'maskable 512x512']),
    )
    await close(page)
  }, 120_000)

  it('REQ-W1: a browser that cannot read the code shows which ones can, in the end, and one that can never does', async () => {
    const old = await blank()
    await old.route(/\/assets\/.*\.js$/, (route) =>
      route.fulfill({ contentType: 'text/javascript', body: 'a syntax of tomorrow' }),
    )
    await old.goto(`${server.url}/r/any`)
    const note = old.getByRole('heading', { name: 'This page does not come up' })
    expect(await note.isVisible()).toBe(false)
    await old.evaluate(() => {
      for (const animation of document.getAnimations()) animation.finish()
    })
    await note.waitFor()
    await old.getByText('Chrome 111, Edge 111, Firefox 121, Safari 16.4').first().waitFor()
    expect(await accessibilityProblems(old)).toEqual([])

    // Nor does it stay empty where a part of the code is lost on the way.
    const cut = await blank()
    await cut.route(/\/assets\/page-/, (route) => route.abort())
    await cut.goto(server.url)
    const lost = cut.getByRole('alert')
    await lost.getByRole('heading', { name: 'This page did not load' }).waitFor()
    expect(await cut.locator('.undrawn').isVisible()).toBe(false)
    await cut.unroute(/\/assets\/page-/)
    await lost.getByRole('button', { name: 'Reload' }).click()
    await cut.getByRole('button', { name: 'Start meeting' }).waitFor()
    problems.length = 0

    const page = await blank()
    await page.goto(server.url)
    await page.getByRole('button', { name: 'Start meeting' }).waitFor()
    expect(await page.locator('.undrawn').count()).toBe(0)
    // Nor do styles want more of it.
    const styles = await page.evaluate(async () => {
      const sheet = document.querySelector<HTMLLinkElement>('link[rel=stylesheet]')
      return (await fetch(sheet?.href ?? '')).text()
    })
    expect(styles).toContain('--accent')
    expect(styles).not.toMatch(/light-dark\(|@starting-style|@scope|anchor\(/)
    expect(problems).toEqual([])
    await close(old, cut, page)
  }, 120_000)
})

type Speech = { heard: string[]; say(text: string, final: boolean): void }
type Shift = { value: number }
