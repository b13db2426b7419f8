/** A meter as a process of its own, configured by its environment; runs until SIGTERM. */
import { runMeter } from '@parley/meter'

await runMeter()
