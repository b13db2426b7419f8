import {
  CircleDot,
  CloudOff,
  DoorClosed,
  DoorOpen,
  LockKeyhole,
  LogIn,
  type LucideIcon,
  MonitorX,
  Ticket,
  Users,
  UserX,
} from 'lucide-react'
import { lazy, type ReactNode, Suspense } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { navigate } from '../../app/router.ts'
import { Logo } from '../../ui/Logo.tsx'
import { AppearanceButton } from '../appearance/AppearanceButton.tsx'
import type { SignalingErrorCode } from '../connection/Signaling.ts'
import { joinAgain } from './stay.ts'
import { supportedBrowsers } from './support.ts'

const SignInButton = lazy(() => import('../signIn/SignInButton.tsx'))

/** What ended, why, and what to do: each on one page with one main way on. */
export function MessagePage(props: {
  icon: LucideIcon
  title: string
  text?: string
  alert?: boolean
  children: ReactNode
}) {
  const { icon: Icon, title, text, alert = false, children } = props
  return (
    <div className="message-page">
      <header>
        <Logo />
        <AppearanceButton />
      </header>
      <main role={alert ? 'alert' : undefined}>
        <span className="message-icon" aria-hidden="true">
          <Icon />
        </span>
        <h1>{title}</h1>
        {text && <p>{text}</p>}
        <div className="message-actions">{children}</div>
      </main>
    </div>
  )
}

const icons: Partial<Record<SignalingErrorCode | 'unsupported', LucideIcon>> = {
  'room-full': Users,
  unauthenticated: LockKeyhole,
  forbidden: LockKeyhole,
  replaced: DoorOpen,
  unsupported: MonitorX,
  locked: LockKeyhole,
  denied: UserX,
  removed: UserX,
  ended: DoorClosed,
  recorded: CircleDot,
  'invite-needed': Ticket,
  'sign-in-needed': LogIn,
  'sign-in-refused': LogIn,
  'token-expired': Ticket,
  'token-used': Ticket,
}

/** Trying again would end the same way. */
const lasting: ReadonlySet<string> = new Set([
  'unsupported',
  'removed',
  'denied',
  'invite-needed',
  'token-expired',
  'token-used',
])

/** Codes that no text of their own explains better than the server's fault does. */
const texts = {
  offline: 'offline',
  'room-full': 'room-full',
  unauthenticated: 'unauthenticated',
  forbidden: 'forbidden',
  'rate-limited': 'rate-limited',
  unavailable: 'unavailable',
  replaced: 'replaced',
  unsupported: 'unsupported',
  internal: 'internal',
  invalid: 'internal',
  'not-found': 'internal',
  'not-joined': 'internal',
  waiting: 'locked',
  locked: 'locked',
  denied: 'denied',
  removed: 'removed',
  recorded: 'recorded',
  taken: 'internal',
  ended: 'ended',
  'invite-needed': 'invite-needed',
  'sign-in-needed': 'sign-in-needed',
  'sign-in-refused': 'sign-in-refused',
  'token-expired': 'token-expired',
  'token-used': 'token-used',
} as const

/** The supported ones, for the browser that is none of them (REQ-W1). */
const browsers = supportedBrowsers.join(', ')

export function ErrorPage({ code }: { code: SignalingErrorCode | 'unsupported' }) {
  const { t } = useTranslation()
  const text = texts[code]
  const signIn = code === 'sign-in-needed' || code === 'sign-in-refused'
  return (
    <MessagePage
      icon={icons[code] ?? CloudOff}
      title={t(`error.${text}.title`)}
      text={t(`error.${text}.fix`, { browsers })}
      alert
    >
      {signIn && (
        <Suspense>
          <SignInButton />
        </Suspense>
      )}
      {!signIn && !lasting.has(code) && (
        <Button
          className="button primary"
          autoFocus
          onPress={() => void joinAgain({ agrees: code === 'recorded' })}
        >
          {t(code === 'recorded' ? 'error.agree' : 'error.retry')}
        </Button>
      )}
      <Button className="button" onPress={() => navigate('/')}>
        {code === 'room-full' ? t('error.another') : t('error.home')}
      </Button>
    </MessagePage>
  )
}

export function LeftPage() {
  const { t } = useTranslation()
  return (
    <MessagePage icon={DoorOpen} title={t('call.left.title')}>
      <Button className="button primary" autoFocus onPress={() => void joinAgain()}>
        {t('call.left.again')}
      </Button>
      <Button className="button" onPress={() => navigate('/')}>
        {t('call.left.home')}
      </Button>
    </MessagePage>
  )
}

export function BadRoom() {
  const { t } = useTranslation()
  return (
    <MessagePage icon={MonitorX} title={t('lobby.badRoom')} text={t('lobby.badRoomFix')} alert>
      <Button className="button primary" onPress={() => navigate('/')}>
        {t('lobby.home')}
      </Button>
    </MessagePage>
  )
}
