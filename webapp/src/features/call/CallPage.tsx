import { Check, Link2, PhoneOff, Waypoints, X } from 'lucide-react'
import { type CSSProperties, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { Logo } from '../../ui/Logo.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { useCopy } from '../../ui/useCopy.ts'
import { leaveCall } from '../lobby/stay.ts'
import { MediaHelp } from '../media/MediaHelp.tsx'
import { MediaToggle } from '../media/MediaToggles.tsx'
import { useHint } from '../voice/useHint.ts'
import { useShortcuts } from '../voice/useShortcuts.ts'
import { VoiceLayer } from '../voice/VoiceLayer.tsx'
import './call.css'
import { tileGrid } from '../layout/tileGrid.ts'
import { ownCall } from './ownCall.ts'
import { relayNotice } from './relayNotice.ts'
import { OwnTile, RemoteTile } from './Tile.tsx'

export default function CallPage() {
  const { t } = useTranslation()
  const room = useAppState((state) => state.call.room)
  useShortcuts()
  useEffect(() => {
    document.title = t('call.title', { room })
  }, [t, room])
  return (
    <div className="call">
      <TopBar />
      <div className="call-notices">
        <ConnectionNotice />
        <RelayBanner />
        <MediaHelp />
        <VoiceLayer />
      </div>
      <Stage />
      <Controls />
    </div>
  )
}

function TopBar() {
  const { t } = useTranslation()
  const room = useAppState((state) => state.call.room)
  const count = useAppState((state) => state.call.participants.length + 1)
  return (
    <header className="call-top">
      <Logo />
      <h1>{room}</h1>
      <span className="call-count">{t('call.people', { count })}</span>
    </header>
  )
}

// -- notices -------------------------------------------------------------------------------------

function ConnectionNotice() {
  const { t } = useTranslation()
  const signaling = useAppState((state) => state.call.signaling)
  if (signaling === 'up') return null
  return (
    <div className="callout warn" role="status">
      {signaling === 'reconnecting' && <span className="spinner" aria-hidden="true" />}
      <div>{t(`call.signaling.${signaling}`)}</div>
      {signaling === 'lost' && (
        <Button className="button small" onPress={() => void ownCall.retry()}>
          {t('call.signaling.retry')}
        </Button>
      )}
    </div>
  )
}

/** Shown while on a relay (REQ-M6), until hidden by hand. */
function RelayBanner() {
  const { t } = useTranslation()
  const call = useAppState((state) => state.call)
  const [hidden, setHidden] = useState<string>()
  const notice = relayNotice(call)
  if (!notice || hidden === notice.kind) return null
  const text =
    notice.kind === 'others'
      ? t('relay.others', { names: new Intl.ListFormat('en').format(notice.names) })
      : t(`relay.${notice.kind}`)
  return (
    <div className="callout relay" role="status">
      <Waypoints aria-hidden="true" />
      <div>{text}</div>
      <IconButton label={t('relay.hide')} className="quiet" onPress={() => setHidden(notice.kind)}>
        <X />
      </IconButton>
    </div>
  )
}

/** Who came and went: on screen for a moment, and said by screen readers. */
function Notices() {
  const { t } = useTranslation()
  const notices = useAppState((state) => state.call.notices)
  return (
    <div className="toasts" role="log" aria-live="polite">
      {notices.map(({ id, kind, name }) => (
        <div key={id} className="toast">
          {t(kind === 'joined' ? 'call.joined' : 'call.leftRoom', { name })}
        </div>
      ))}
    </div>
  )
}

// -- stage ---------------------------------------------------------------------------------------

function Stage() {
  const { t } = useTranslation()
  const participants = useAppState((state) => state.call.participants)
  const phase = useAppState((state) => state.call.phase)
  const room = useAppState((state) => state.call.room)
  const stage = useRef<HTMLElement>(null)
  const { width, height } = useSize(stage)
  const alone = participants.length === 0
  const pair = participants.length === 1
  const gap = width < 600 ? 8 : 12
  const count = pair ? 1 : participants.length + 1
  const { tileWidth, tileHeight } = tileGrid(count, width, height, gap)
  return (
    <main
      ref={stage}
      className={pair ? 'stage pair' : 'stage'}
      aria-label={t('call.participants')}
      style={
        {
          '--tile-width': `${Math.floor(tileWidth)}px`,
          '--tile-height': `${Math.floor(tileHeight)}px`,
          '--gap': `${gap}px`,
        } as CSSProperties
      }
    >
      {participants.map((participant) => (
        <RemoteTile key={participant.id} participant={participant} />
      ))}
      <OwnTile small={pair} />
      <Notices />
      {alone &&
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

function Invitation() {
  const { t } = useTranslation()
  const link = useInvite()
  const [copied, copy] = useCopy(link)
  return (
    <div className="stage-card">
      <h2>{t('call.alone')}</h2>
      <p>{t('call.aloneHint')}</p>
      <div className="invite">
        <code>{link.replace(/^https?:\/\//, '')}</code>
        <Button className="button primary" onPress={copy}>
          {copied ? <Check /> : <Link2 />}
          {t(copied ? 'call.copied' : 'call.copy')}
        </Button>
      </div>
    </div>
  )
}

function useSize(element: React.RefObject<HTMLElement | null>) {
  const [size, setSize] = useState({ width: 0, height: 0 })
  useLayoutEffect(() => {
    if (!element.current) return
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSize({ width: entry.contentRect.width, height: entry.contentRect.height })
    })
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [element])
  return size
}

// -- controls ------------------------------------------------------------------------------------

function Controls() {
  const { t } = useTranslation()
  const [copied, copy] = useCopy(useInvite())
  return (
    <div className="controls" role="toolbar" aria-label={t('controls.label')}>
      <MediaToggle kind="audio" />
      <MediaToggle kind="video" />
      <IconButton
        label={t(copied ? 'controls.invited' : 'controls.invite')}
        className={copied ? 'round done' : 'round'}
        onPress={copy}
      >
        {copied ? <Check /> : <Link2 />}
      </IconButton>
      <IconButton
        label={t('controls.leave')}
        hint={useHint(t('controls.leave'), 'leave')}
        className="round leave"
        onPress={leaveCall}
      >
        <PhoneOff />
      </IconButton>
      <span className="visually-hidden" role="status">
        {copied && t('controls.invited')}
      </span>
    </div>
  )
}

/** The link for others: the room alone, without what this page's own link asks for. */
function useInvite(): string {
  const room = useAppState((state) => state.call.room)
  return `${location.origin}/r/${room}`
}
