import { systemClock } from '../../clock.ts'
import { Haste } from './Haste.ts'

/** Of who joins as the page opens. */
export const ownHaste = new Haste(systemClock)
