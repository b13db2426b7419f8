import { Button, Tooltip, TooltipTrigger } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { type QualityLabel, qualityBars, qualityLabel } from '../connection/quality.ts'
import type { RemoteParticipant } from './callState.ts'

type Props = {
  quality: QualityLabel
  rttMs: number | undefined
  lossPercent: number | undefined
}

/** As monitoring has it; without that, as the call itself reads it. */
export function LinkQuality({ participant }: { participant: RemoteParticipant }) {
  const { id, link, quality, rttMs, lossPercent } = participant
  const measured = useAppState((state) => state.metrics.links[id])
  if (!measured || link !== 'connected') return <QualityBars {...{ quality, rttMs, lossPercent }} />
  const { rttMs: rtt = rttMs, lossPercent: loss = lossPercent } = measured
  return (
    <QualityBars
      quality={qualityLabel({ rttMs: rtt, lossPercent: loss })}
      rttMs={rtt}
      lossPercent={loss}
    />
  )
}

/** Bars, colour, and in words and figures for who points at them (REQ-M6). */
function QualityBars({ quality, rttMs, lossPercent }: Props) {
  const { t } = useTranslation()
  const lit = qualityBars[quality]
  const words = t(`quality.${quality}`)
  const figures =
    rttMs !== undefined &&
    t('quality.figures', { rtt: Math.round(rttMs), loss: (lossPercent ?? 0).toFixed(1) })
  return (
    <TooltipTrigger delay={200} closeDelay={80}>
      <Button
        className={`quality ${quality}`}
        aria-label={figures ? `${words}, ${figures}` : words}
      >
        {[1, 2, 3, 4].map((bar) => (
          <span key={bar} className={bar <= lit ? 'bar lit' : 'bar'} />
        ))}
      </Button>
      <Tooltip className="tooltip" offset={6} placement="bottom">
        <strong>{words}</strong>
        {figures && <span>{figures}</span>}
      </Tooltip>
    </TooltipTrigger>
  )
}
