import { EarlyStage } from './EarlyStage.ts'
import { ownHaste } from './ownHaste.ts'

/** Of who joins as the page opens. */
export const ownEarlyStage = new EarlyStage({
  onPictureDue: (way) => ownHaste.pictureDue(way),
  onPicture: ownHaste.end,
})
