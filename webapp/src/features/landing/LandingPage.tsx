import { ArrowRight, Dices, Gauge, Lock, Route, Video } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import { Button, FieldError, Form, Input, Label, Text, TextField } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { navigate } from '../../app/router.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { Logo } from '../../ui/Logo.tsx'
import { AppearanceButton } from '../appearance/AppearanceButton.tsx'
import './landing.css'
import { pathFromInput, roomFromInput, suggestRoomName } from './roomName.ts'

export function LandingPage({ notFound = false }: { notFound?: boolean }) {
  const { t } = useTranslation()
  useEffect(() => {
    document.title = t('landing.title')
  }, [t])
  return (
    <div className="landing">
      <header>
        <Logo />
        <AppearanceButton />
      </header>
      <main>
        <section className="landing-words">
          <h1>{t('landing.headline')}</h1>
          <p className="lead">{t('landing.lead')}</p>
          {notFound && (
            <p className="callout warn" role="alert">
              {t('landing.notFound')}
            </p>
          )}
          <div className="card landing-card">
            <StartForm />
            <div className="or">
              <span>{t('landing.or')}</span>
            </div>
            <JoinForm />
          </div>
        </section>
        <Picture />
      </main>
      <ul className="landing-facts">
        <Fact icon={<Lock />} fact="encrypted" />
        <Fact icon={<Route />} fact="direct" />
        <Fact icon={<Gauge />} fact="honest" />
      </ul>
    </div>
  )
}

function StartForm() {
  const { t } = useTranslation()
  const [name, setName] = useState(() => suggestRoomName(Math.random))
  const room = roomFromInput(name)
  const start = (event: FormEvent) => {
    event.preventDefault()
    if (room) navigate(`/r/${room}`)
  }
  return (
    <Form onSubmit={start} className="landing-form">
      <TextField value={name} onChange={setName} isInvalid={!room && name !== ''}>
        <Label>{t('landing.room')}</Label>
        <div className="field-row">
          <div className="field-with-action">
            <Input className="input" autoComplete="off" spellCheck="false" />
            <IconButton
              label={t('landing.another')}
              className="quiet"
              onPress={() => setName(suggestRoomName(Math.random))}
            >
              <Dices />
            </IconButton>
          </div>
          <Button type="submit" className="button primary" isDisabled={!room}>
            <Video />
            {t('landing.start')}
          </Button>
        </div>
        <FieldError className="field-error">{t('landing.invalid')}</FieldError>
        {(room || name === '') && (
          <Text slot="description" className="field-hint">
            {t('landing.roomHint')}
          </Text>
        )}
      </TextField>
    </Form>
  )
}

function JoinForm() {
  const { t } = useTranslation()
  const [code, setCode] = useState('')
  const path = pathFromInput(code)
  const join = (event: FormEvent) => {
    event.preventDefault()
    if (path) navigate(path)
  }
  return (
    <Form onSubmit={join} className="landing-form">
      <TextField value={code} onChange={setCode} isInvalid={!path && code.trim() !== ''}>
        <Label>{t('landing.code')}</Label>
        <div className="field-row">
          <Input className="input" placeholder={t('landing.codePlaceholder')} autoComplete="off" />
          <Button type="submit" className="button" isDisabled={!path}>
            {t('landing.join')}
            <ArrowRight />
          </Button>
        </div>
        <FieldError className="field-error">{t('landing.invalid')}</FieldError>
      </TextField>
    </Form>
  )
}

function Fact({ icon, fact }: { icon: React.ReactNode; fact: 'encrypted' | 'direct' | 'honest' }) {
  const { t } = useTranslation()
  return (
    <li>
      <span className="fact-icon" aria-hidden="true">
        {icon}
      </span>
      <div>
        <h2>{t(`landing.facts.${fact}.title`)}</h2>
        <p>{t(`landing.facts.${fact}.text`)}</p>
      </div>
    </li>
  )
}

/** Four people in a call, abstractly. */
function Picture() {
  const people = [
    { x: 0, y: 0, tone: 'a' },
    { x: 1, y: 0, tone: 'b' },
    { x: 0, y: 1, tone: 'c' },
    { x: 1, y: 1, tone: 'd' },
  ]
  return (
    <svg className="landing-picture" viewBox="0 0 520 400" aria-hidden="true">
      <rect x="6" y="6" width="508" height="388" rx="28" className="picture-frame" />
      {people.map(({ x, y, tone }) => (
        <g key={tone} transform={`translate(${30 + x * 236} ${30 + y * 154})`}>
          <clipPath id={`tile-${tone}`}>
            <rect width="224" height="142" rx="16" />
          </clipPath>
          <g clipPath={`url(#tile-${tone})`} className={`picture-tile tone-${tone}`}>
            <rect width="224" height="142" className="back" />
            <circle cx="112" cy="60" r="28" className="person" />
            <path d="M48 158c0-38 28-58 64-58s64 20 64 58Z" className="person" />
            <rect x="12" y="114" width="52" height="16" rx="8" className="plate" />
          </g>
          {tone === 'b' && <rect width="224" height="142" rx="16" className="picture-speaking" />}
        </g>
      ))}
      <g transform="translate(180 344)">
        <circle cx="20" cy="18" r="16" className="picture-button" />
        <circle cx="62" cy="18" r="16" className="picture-button" />
        <circle cx="104" cy="18" r="16" className="picture-button" />
        <rect x="128" y="2" width="44" height="32" rx="16" className="picture-leave" />
      </g>
    </svg>
  )
}
