import { useEffect, useState } from 'react'
import { Button, Tooltip, TooltipTrigger } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { type QualityLabel, qualityBars, qualityLabel } from '../connection/quality.ts'
import { tenths } from '../metrics/format.ts'
import type { RemoteParticipant } from './callState.ts'

type Props = {
  quality: QualityLabel
  rttMs: number | undefined
  lossPercent: number | undefined
  mos?: number | undefined
}

/** As monitoring has it; without that, as the call itself reads it. */
export function LinkQuality({ participant }: { participant: RemoteParticipant }) {
  const { id, link, quality, rttMs, lossPercent } = participant
  const measured = useAppState((state) => state.metrics.links[id])
  if (!measured || link !== 'connected') return <QualityBars {...{ quality, rttMs, lossPercent }} />
  const { rttMs: rtt = rttMs, lossPercent: loss = lossPercent, mos } = measured
  return (
    <QualityBars
      quality={qualityLabel({ rttMs: rtt, lossPercent: loss })}
      rttMs={rtt}
      lossPercent={loss}
      mos={mos}
    />
  )
}

/** Bars, colour, and in words and figures for who points at them, comes to them by keyboard or taps them (REQ-M6). */
function QualityBars({ quality, rttMs, lossPercent, mos }: Props) {
  const { t, i18n } = useTranslation()
  const [open, setOpen] = useState(false)
  useEffect(() => {
    if (!open) return
    // Not every browser gives the focus to a button that is tapped, and takes it away with the next tap.
    const close = () => setOpen(false)
    document.addEventListener('pointerdown', close)
    return () => document.removeEventListener('pointerdown', close)
  }, [open])
  const lit = qualityBars[quality]
  const words = t(`quality.${quality}`)
  const figures = [
    rttMs !== undefined && t('quality.rtt', { ms: Math.round(rttMs) }),
    lossPercent !== undefined && t('quality.loss', { percent: tenths(lossPercent, i18n.language) }),
    mos !== undefined && t('quality.mos', { mos: tenths(mos, i18n.language) }),
  ]
    .filter(Boolean)
    .join(' · ')
  return (
    <TooltipTrigger delay={200} closeDelay={80} isOpen={open} onOpenChange={setOpen}>
      <Button
        className={`quality ${quality}`}
        aria-label={figures ? `${words}, ${figures}` : words}
        // A finger can neither point nor come by keyboard.
        onPress={() => setOpen(true)}
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
