import type { Page } from 'playwright-core'

/** What the page is told when it asks: as where the server wants no reports while `on` is false. */
export async function monitoringSwitch(page: Page): Promise<{ on: boolean }> {
  const monitoring = { on: true }
  await page.route('**/api/config', async (route) => {
    const response = await route.fetch()
    const { metrics, ...config } = (await response.json()) as { metrics?: unknown }
    if (monitoring.on && metrics === undefined) throw new Error('the server wants no reports')
    await route.fulfill({ response, json: monitoring.on ? { ...config, metrics } : config })
  })
  return monitoring
}
