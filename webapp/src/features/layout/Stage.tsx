import { ChevronLeft, ChevronRight } from 'lucide-react'
import { type CSSProperties, useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { Invitation } from '../call/Invitation.tsx'
import { Toasts } from '../call/Notices.tsx'
import { ownEarlyStage } from '../call/ownEarlyStage.ts'
import { OwnTile, RemoteTile } from '../call/Tile.tsx'
import { ScreenTile } from '../share/ScreenTile.tsx'
import type { Rect } from './arrange.ts'
import { type Placed, placed, styleOf } from './placed.ts'
import './stage.css'
import { useSize } from './useSize.ts'

/** Everybody, and what is shared, where {@link placed} says. */
export function Stage() {
  const { t } = useTranslation()
  const participants = useAppState((state) => state.call.participants)
  const selfId = useAppState((state) => state.call.selfId)
  const phase = useAppState((state) => state.call.phase)
  const room = useAppState((state) => state.call.room)
  const layout = useAppState((state) => state.layout)
  const stage = useRef<HTMLElement>(null)
  const size = useSize(stage)
  const [wantedPage, setPage] = useState(0)

  const ids = participants.map(({ id }) => id)
  const { tiles, pair, pager } = placed({ size, layout, ids, selfId, page: wantedPage })
  const laidOut = size.width > 0
  useLayoutEffect(() => {
    // Now that all tiles are there, which have taken what played before.
    if (laidOut) ownEarlyStage.end()
  }, [laidOut])

  const draw = ({ item: { kind, id }, rect, middle }: Placed['tiles'][number]) => {
    const key = `${kind}-${id}`
    const place = styleOf(rect) as CSSProperties
    const participant = participants.find((one) => one.id === id)
    if (kind === 'own') return <OwnTile key={key} place={place} />
    if (kind === 'screen')
      return <ScreenTile key={key} id={id} participant={participant} place={place} main={middle} />
    return participant && <RemoteTile key={key} participant={participant} place={place} />
  }

  return (
    <main ref={stage} className="stage" tabIndex={-1} aria-label={t('call.participants')}>
      {laidOut && (
        <>
          {/* One list: when a third comes, one's own picture goes on in the element that shows it. */}
          {[...tiles.map(draw), pair && <OwnTile key={`own-${selfId}`} small />]}
          {pager && <Pager {...pager} turn={setPage} />}
        </>
      )}
      <Toasts />
      {ids.length === 0 &&
        layout.shares.length === 0 &&
        (phase === 'joining' ? (
          <div className="stage-card" role="status">
            <span className="spinner" aria-hidden="true" />
            {t('call.joining', { room })}
          </div>
        ) : (
          <Invitation />
        ))}
    </main>
  )
}

type PagerProps = {
  rect: Rect
  page: number
  pages: number
  turn: (page: number) => void
}

function Pager({ rect, page, pages, turn }: PagerProps) {
  const { t } = useTranslation()
  return (
    <div className="pager" style={styleOf(rect)}>
      <IconButton
        label={t('layout.before')}
        className="quiet"
        isDisabled={page === 0}
        onPress={() => turn(page - 1)}
      >
        <ChevronLeft />
      </IconButton>
      <span className="pager-count" role="status">
        {t('layout.page', { page: page + 1, pages })}
      </span>
      <IconButton
        label={t('layout.next')}
        className="quiet"
        isDisabled={page === pages - 1}
        onPress={() => turn(page + 1)}
      >
        <ChevronRight />
      </IconButton>
    </div>
  )
}
