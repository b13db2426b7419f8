/**
 * Pictures for the docs: what a command prints on a colour terminal, as a PNG.
 *
 * `node e2e/src/picture.ts docs/images/report.png "npx parley cost replay …" < output`
 */
import { text } from 'node:stream/consumers'
import { AnsiUp } from 'ansi_up'
import { launchChromium } from './call.ts'

const [file, command] = process.argv.slice(2)
if (!file || !command) {
  console.error('error: usage: COMMAND | node e2e/src/picture.ts FILE.png "COMMAND"')
  process.exit(2)
}

const ansi = new AnsiUp()
const html = `<!doctype html><style>
  body { margin: 0; padding: 20px 24px; background: #10141b; color: #d7dde6; display: inline-block }
  pre { margin: 0; font: 14px/1.45 "DejaVu Sans Mono", monospace }
  b.prompt { color: #6fd19a }
</style><pre><b class="prompt">$</b> ${ansi.ansi_to_html(command)}

${ansi.ansi_to_html(await text(process.stdin))}</pre>`

const browser = await launchChromium('http://localhost')
try {
  const page = await browser.newPage({ deviceScaleFactor: 2 })
  await page.setContent(html)
  await page.locator('body').screenshot({ path: file })
} finally {
  await browser.close()
}
