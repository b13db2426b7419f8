/**
 * What a person sees of voices and keys, measured in Chromium: `node webapp/src/testing/voice.ts [TRIES]`
 */
import { launchChromium } from './chromium.ts'
import { startMeetingRig } from './meetingRig.ts'
import { measureVoice } from './voiceTimings.ts'

const rig = await startMeetingRig(4)
const server = await rig.start(0)
const browser = await launchChromium()
try {
  const timings = await measureVoice(browser, server.url, Number(process.argv[2] ?? 20))
  for (const [what, taken] of Object.entries(timings)) {
    const sorted = taken.toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1]?.toFixed(1)
    console.log(
      `${what}: n ${sorted.length}, min ${at(0.001)}, p50 ${at(0.5)}, p95 ${at(0.95)}, max ${at(1)} ms`,
    )
  }
} finally {
  await browser.close()
  await server.close()
  await rig.clean()
}
