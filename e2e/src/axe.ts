import axe from 'axe-core'
import type { Page } from 'playwright-core'

/**
 * What of WCAG 2.2 A and AA axe-core finds wrong on a page as it is now, as in webapp/src/testing/accessibility.ts, which may not be
 * imported here.
 * @returns one line for each element: rule, element, and what to do
 */
export async function axeProblems(page: Page): Promise<string[]> {
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
