import { type FormEvent, lazy, Suspense, useEffect, useRef, useState } from 'react'
import { Button, FieldError, Form, Input, Label, TextField } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { roomLinkOf } from '../../app/route.ts'
import { nameOf } from '../../protocolShapes.ts'
import { Logo } from '../../ui/Logo.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { Video } from '../../ui/Video.tsx'
import { ownName } from '../call/callMemory.ts'
import { DeviceSelect } from '../media/DeviceSelect.tsx'
import { MediaHelp } from '../media/MediaHelp.tsx'
import { MediaToggle } from '../media/MediaToggles.tsx'
import { SettingsButton } from '../settings/Settings.tsx'
import { SpeakerChoice } from '../settings/SpeakerChoice.tsx'
import { lookForSignIn } from '../signIn/signInLook.ts'
import { Meter } from '../voice/Meter.tsx'
import './lobby.css'
import { joinCall } from './stay.ts'

const SignInPart = lazy(() => import('../signIn/SignInPart.tsx'))

export function Lobby({ room }: { room: string }) {
  const { t } = useTranslation()
  useEffect(() => {
    document.title = t('lobby.title', { room })
  }, [t, room])
  return (
    <div className="lobby">
      <header>
        <Logo />
        <SettingsButton />
      </header>
      <main>
        <section className="lobby-preview">
          <Preview />
          <MediaHelp />
        </section>
        <section className="lobby-form">
          <h1>{t('lobby.headline')}</h1>
          <p className="lobby-room">
            <span>{t('lobby.room')}</span> <strong>{room}</strong>
          </p>
          <Entrance />
        </section>
      </main>
    </div>
  )
}

function Preview() {
  const { t } = useTranslation()
  const { audio, video, opening } = useAppState((state) => state.local)
  const why = opening
    ? t('lobby.starting')
    : video.problem || !video.on
      ? t(video.on ? 'lobby.noCamera' : 'lobby.cameraOff')
      : t('lobby.starting')
  return (
    <div className="preview">
      {video.track ? (
        <Video track={video.track} mirrored label={t('lobby.preview')} />
      ) : (
        <p className="preview-empty">{why}</p>
      )}
      <div className="preview-bar">
        <MediaToggle kind="audio" />
        <MediaToggle kind="video" />
      </div>
      {audio.track && audio.on && (
        <div className="preview-meter">
          <Meter track={audio.track} label={t('lobby.level')} />
        </div>
      )}
    </div>
  )
}

/** Straight in, or by signing in where that is how people come. */
function Entrance() {
  const { offered, person } = useAppState((state) => state.signIn)
  useEffect(() => void lookForSignIn(), [])
  if (!offered) return <JoinForm />
  const invited = new URLSearchParams(location.hash.slice(1)).has('invite')
  return (
    <>
      <Suspense>
        <SignInPart needed={!invited} />
      </Suspense>
      {(invited || person) && <JoinForm known={nameOf(person?.name)} />}
    </>
  )
}

/** @param known the name that the identity provider says, which is no choice of theirs */
function JoinForm({ known }: { known?: string | undefined }) {
  const { t } = useTranslation()
  const [name, setName] = useState(() => roomLinkOf(location.search).name ?? ownName.read())
  const [tried, setTried] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const given = nameOf(known ?? name)
  const join = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (given === undefined) return field.current?.focus()
    if (known === undefined) ownName.write(given)
    void joinCall(given)
  }
  return (
    <Form onSubmit={join} className="lobby-fields">
      {known === undefined && (
        <TextField
          value={name}
          onChange={setName}
          isInvalid={tried && given === undefined}
          maxLength={64}
          autoFocus
        >
          <Label>{t('lobby.name')}</Label>
          <Input
            ref={field}
            className="input"
            placeholder={t('lobby.namePlaceholder')}
            autoComplete="name"
          />
          <FieldError className="field-error">
            {t(name.trim() === '' ? 'lobby.nameNeeded' : 'lobby.nameOdd')}
          </FieldError>
        </TextField>
      )}
      <DeviceSelect kind="audio" />
      <DeviceSelect kind="video" />
      <SpeakerChoice />
      <Button type="submit" className="button primary large">
        {t('lobby.join')}
      </Button>
    </Form>
  )
}
