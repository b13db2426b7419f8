import { memo, useEffect, useState } from 'react'
import { Button, Tooltip, TooltipTrigger } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { type QualityLabel, qualityBars, qualityLabel } from '../connection/quality.ts'
import { tenths } from '../metrics/format.ts'

type Props = {
  quality: QualityLabel
  rttMs: number | undefined
  lossPercent: number | undefined
  mos?: number | undefined
}

/** As monitoring has it; without that, as the call itself reads it. */
export function LinkQuality({ id }: { id: string }) {
  const participant = useAppState(({ call }) => call.participants.find((one) => one.id === id))
  const measured = useAppState((state) => state.metrics.links[id])
  if (!participant) return null
  const { link, quality, rttMs, lossPercent } = participant
  if (!measured || link !== 'connected')
    return <QualityBars {...shown({ quality, rttMs, lossPercent })} />
  const { rttMs: rtt = rttMs, lossPercent: loss = lossPercent, mos } = measured
  const label = qualityLabel({ rttMs: rtt, lossPercent: loss })
  return <QualityBars {...shown({ quality: label, rttMs: rtt, lossPercent: loss, mos })} />
}

/** As precise as it is said: what changes by less draws nothing. */
function shown({ quality, rttMs, lossPercent, mos }: Props): Props {
  const to = (parts: number, value: number | undefined) =>
    value === undefined ? value : Math.round(value * parts) / parts
  return { quality, rttMs: to(1, rttMs), lossPercent: to(10, lossPercent), mos: to(10, mos) }
}

/** Bars, colour, and in words and figures for who points at them, comes to them by keyboard or taps them (REQ-M6). */
const QualityBars = memo(function QualityBars({ quality, rttMs, lossPercent, mos }: Props) {
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
    rttMs !== undefined && t('quality.rtt', { ms: rttMs }),
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
})
