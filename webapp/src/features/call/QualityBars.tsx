import { Button, Tooltip, TooltipTrigger } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { type QualityLabel, qualityBars } from '../connection/quality.ts'

type Props = {
  quality: QualityLabel
  rttMs: number | undefined
  lossPercent: number | undefined
}

/** Bars, colour, and in words and figures for who points at them (REQ-M6). */
export function QualityBars({ quality, rttMs, lossPercent }: Props) {
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
