import { ChevronLeft, ChevronRight } from 'lucide-react'
import { type CSSProperties, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { Invitation } from '../call/Invitation.tsx'
import { Toasts } from '../call/Notices.tsx'
import { OwnTile, RemoteTile } from '../call/Tile.tsx'
import { ScreenTile } from '../share/ScreenTile.tsx'
import { arrange, pageOf, type Rect } from './arrange.ts'
import { shown } from './layoutState.ts'
import './stage.css'
import { useSize } from './useSize.ts'

/** One tile: a person, a shared screen, or oneself. */
type Item = { kind: 'person' | 'screen' | 'own'; id: string }

/** Everybody, and what is shared, where {@link arrange} says. */
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
  const view = shown(layout, ids, layout.speaker)
  const pair = view.kind !== 'share' && ids.length === 1
  const own: Item = { kind: 'own', id: selfId }
  const others: Item[] = [
    ...layout.shares.filter((id) => id !== view.main).map((id): Item => ({ kind: 'screen', id })),
    ...ids
      .filter((id) => view.kind !== 'speaker' || id !== view.main || pair)
      .map((id): Item => ({ kind: 'person', id })),
  ]
  const alone = view.kind === 'speaker' && view.main === null
  const arrangement = arrange({
    ...size,
    kind: pair || alone ? 'grid' : view.kind,
    count: others.length + (pair ? 0 : 1),
  })
  const places = arrangement.tiles.length
  const { tiles, page, pages } = pageOf(others, pair ? null : own, places, wantedPage)
  const main: Item | null =
    pair || alone || view.main === null
      ? null
      : { kind: view.kind === 'share' ? 'screen' : 'person', id: view.main }

  const draw = ({ kind, id }: Item, rect: Rect, middle = false) => {
    const key = `${kind}-${id}`
    const place = placeOf(rect)
    const participant = participants.find((one) => one.id === id)
    if (kind === 'own') return <OwnTile key={key} place={place} />
    if (kind === 'screen')
      return <ScreenTile key={key} id={id} participant={participant} place={place} main={middle} />
    return participant && <RemoteTile key={key} participant={participant} place={place} />
  }

  return (
    <main ref={stage} className="stage" tabIndex={-1} aria-label={t('call.participants')}>
      {size.width > 0 && (
        <>
          {main && arrangement.main && draw(main, arrangement.main, true)}
          {tiles.map((item, index) => {
            const rect = arrangement.tiles[index]
            return rect && draw(item, rect)
          })}
          {pair && <OwnTile small />}
          {arrangement.pager && pages > 1 && (
            <Pager place={placeOf(arrangement.pager)} page={page} pages={pages} turn={setPage} />
          )}
        </>
      )}
      <Toasts />
      {ids.length === 0 &&
        view.kind !== 'share' &&
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

/** In whole pixels, so that edges are sharp. */
function placeOf({ x, y, width, height }: Rect): CSSProperties {
  const [left, top] = [Math.round(x), Math.round(y)]
  const [right, bottom] = [Math.floor(x + width), Math.floor(y + height)]
  return {
    left,
    top,
    width: right - left,
    height: bottom - top,
    '--tile-height': `${Math.min(bottom - top, (right - left) * 0.75)}px`,
  } as CSSProperties
}

type PagerProps = {
  place: CSSProperties
  page: number
  pages: number
  turn: (page: number) => void
}

function Pager({ place, page, pages, turn }: PagerProps) {
  const { t } = useTranslation()
  return (
    <div className="pager" style={place}>
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
