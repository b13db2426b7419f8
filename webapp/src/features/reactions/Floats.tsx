import type { CSSProperties } from 'react'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { emoji } from './emoji.ts'
import './reactions.css'

/** Reactions that rise over the tiles, each with the name of whom it is from. */
export function Floats() {
  const { t } = useTranslation()
  const floats = useAppState((state) => state.reactions.floats)
  const selfId = useAppState((state) => state.call.selfId)
  const participants = useAppState((state) => state.call.participants)
  const nameOf = (id: string) =>
    id === selfId ? t('call.you') : (participants.find((one) => one.id === id)?.name ?? '')
  const newest = floats.findLast(({ from }) => from !== selfId)
  return (
    <div className="floats">
      {floats.map(({ key, from, reaction, at }) => (
        <span
          key={key}
          className="float"
          style={{ '--at': at } as CSSProperties}
          aria-hidden="true"
        >
          <span className="float-emoji">{emoji[reaction]}</span>
          <bdi className="float-name">{nameOf(from)}</bdi>
        </span>
      ))}
      <span className="visually-hidden" role="status">
        {newest &&
          t('reactions.said', {
            name: nameOf(newest.from),
            reaction: t(`reactions.name.${newest.reaction}`),
          })}
      </span>
    </div>
  )
}
