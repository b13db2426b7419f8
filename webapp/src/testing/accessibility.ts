import axe from 'axe-core'
import type { CDPSession, Page } from 'playwright-core'

/**
 * What of WCAG 2.2 A and AA axe-core finds wrong on a page as it is now.
 * @returns one line for each element: rule, element, and what to do
 */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // Not as a script tag, which the page's Content-Security-Policy would refuse.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source)
  const { violations } = await page.evaluate(async () => {
    // Colours that have just changed are there with the next frame.
    for (let frame = 0; frame < 2; frame++)
      await new Promise((resolve) => requestAnimationFrame(resolve))
    // What is still fading in has another contrast in a moment.
    for (const animation of document.getAnimations()) {
      const { iterations } = animation.effect?.getComputedTiming() ?? {}
      if (iterations !== Number.POSITIVE_INFINITY) animation.finish()
    }
    return (window as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
      resultTypes: ['violations'],
      // It would wait for each video to say how long it is, which live ones never do.
      preload: false,
    })
  })
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) =>
        `${id} (${help}): ${target.join(' ')} ${failureSummary ?? ''}`,
    ),
  )
}

/** What a screen reader says of an element: its role, its name and its states. */
export type Spoken = { role: string; name: string; states: string[] }

/** The keyboard and the screen reader of somebody who uses no mouse and sees no picture. */
export class KeyboardOnly {
  readonly #page: Page
  readonly #session: CDPSession
  /** Where the focus was and could not be seen, or not be named. */
  readonly faults: string[] = []

  private constructor(page: Page, session: CDPSession) {
    this.#page = page
    this.#session = session
  }

  static async on(page: Page): Promise<KeyboardOnly> {
    await page.addInitScript(hearLiveRegions)
    const session = await page.context().newCDPSession(page)
    await session.send('Accessibility.enable')
    return new KeyboardOnly(page, session)
  }

  press(key: string): Promise<void> {
    return this.#page.keyboard.press(key)
  }

  type(text: string): Promise<void> {
    return this.#page.keyboard.type(text)
  }

  /** Tab until the focus is on what has that name. */
  async reach(name: string | RegExp): Promise<Spoken> {
    const passed: string[] = []
    for (let steps = 0; steps < 80; steps++) {
      await this.press('Tab')
      const now = await this.focus()
      if (typeof name === 'string' ? now.name === name : name.test(now.name)) return now
      passed.push(now.name)
    }
    throw new Error(`not to be reached by Tab: ${name}; only ${passed.join(', ')}`)
  }

  /** What has the focus, as it is said; it has to be seen where it is, and to have a name. */
  async focus(): Promise<Spoken> {
    const { result } = await this.#session.send('Runtime.evaluate', {
      expression: 'document.activeElement',
    })
    const { objectId } = result
    if (objectId === undefined) throw new Error('nothing has the focus')
    const { nodes } = await this.#session.send('Accessibility.getPartialAXTree', {
      objectId,
      fetchRelatives: false,
    })
    const node = nodes[0]
    const spoken = {
      role: String(node?.role?.value ?? ''),
      name: String(node?.name?.value ?? '').trim(),
      states: (node?.properties ?? [])
        .filter(({ value }) => value.value === true || value.value === 'true')
        .map(({ name }) => name),
    }
    const { seen, element } = await this.#page.evaluate(() => {
      const focused = document.activeElement ?? document.body
      const { outlineStyle, outlineWidth } = getComputedStyle(focused)
      const outlined = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2
      return {
        // What is given the focus by the page, and is no stop of Tab, says where one is, and nothing to press.
        seen: outlined || focused.matches('body, [tabindex="-1"]'),
        element: (focused.cloneNode() as Element).outerHTML,
      }
    })
    if (!seen) this.faults.push(`not seen: ${element}`)
    // Past the last stop there is none for a moment: the browser's own would be next.
    if (spoken.name === '' && element !== '<body></body>')
      this.faults.push(`without a name: ${element}`)
    await this.#session.send('Runtime.releaseObject', { objectId })
    return spoken
  }

  /** Until live regions have told something. */
  async hears(what: string): Promise<void> {
    await this.#page.waitForFunction(
      (text) => window.heardRegions?.some((heard) => heard.includes(text)),
      what,
    )
  }
}

declare global {
  interface Window {
    heardRegions?: string[]
  }
}

/** Runs in the page: what comes into a live region that was there before, or into an alert. */
function hearLiveRegions(): void {
  const heard: string[] = []
  window.heardRegions = heard
  const live = '[aria-live=polite], [aria-live=assertive], [role=status], [role=log], [role=alert]'
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      const element = target instanceof Element ? target : target.parentElement
      const added = [...addedNodes].map((node) => node.textContent ?? '')
      const names = [...addedNodes].map((node) => (node as Element).ariaLabel ?? '')
      if (element?.closest(live)) heard.push(element.textContent ?? '', ...added, ...names)
      for (const node of addedNodes)
        if (node instanceof Element)
          for (const alert of [node, ...node.querySelectorAll('*')])
            if (alert.role === 'alert') heard.push(alert.textContent ?? '')
    }
  }).observe(document, { childList: true, characterData: true, subtree: true })
}
