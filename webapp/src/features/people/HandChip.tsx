import { Hand } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import './people.css'

/** On a tile, while the hand is up: its place among those that are. */
export function HandChip({ id }: { id: string }) {
  const { t } = useTranslation()
  const hands = useAppState((state) => state.company.hands)
  const at = hands[id]
  if (at === undefined) return null
  const place = 1 + Object.values(hands).filter((other) => other < at).length
  return (
    <span className="hand-chip" role="img" aria-label={t('people.handPlace', { place })}>
      <Hand aria-hidden="true" />
      {Object.keys(hands).length > 1 && <span aria-hidden="true">{place}</span>}
    </span>
  )
}
