import { Check, Link2, LockKeyhole, RefreshCw } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { Button, FieldError, Form, Input, Label, TextField } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { DialogFrame } from '../../ui/DialogFrame.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { useCopy } from '../../ui/useCopy.ts'
import { useInvite } from '../call/useInvite.ts'
import { ownEncryption } from './ownEncryption.ts'
import { secretFromText } from './roomKey.ts'
import { useCallEncryption } from './useCallEncryption.ts'
import { useNames } from './useNames.ts'

/** How the call is encrypted, in plain words, and the key: to get, to pass on, to change. */
export default function EncryptionDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const encryption = useCallEncryption()
  const names = useNames('who' in encryption ? encryption.who : [])
  const { mark, possible } = useAppState((state) => state.encryption)
  return (
    <DialogFrame
      title={t('encryption.title')}
      close={t('encryption.close')}
      className="small"
      onClose={onClose}
    >
      <div className="encryption-parts">
        <p role="status">{t(`encryption.long.${encryption.kind}`, { names })}</p>
        {!possible && <p className="callout warn">{t('encryption.impossible')}</p>}
        {possible && mark !== null && <Pass />}
        {possible && mark === null && encryption.kind !== 'missing' && <Begin />}
        {possible && <Enter />}
        <p className="field-hint">{t('encryption.limits')}</p>
      </div>
    </DialogFrame>
  )
}

function Begin() {
  const { t } = useTranslation()
  return (
    <div>
      <Button className="button" onPress={() => void ownEncryption.renew()}>
        <LockKeyhole />
        {t('encryption.begin')}
      </Button>
      <p className="field-hint">{t('encryption.beginHint')}</p>
    </div>
  )
}

function Pass() {
  const { t } = useTranslation()
  const [copied, copy] = useCopy(useInvite())
  return (
    <div>
      <div className="encryption-row">
        <Button className="button primary" onPress={copy}>
          {copied ? <Check /> : <Link2 />}
          {t(copied ? 'call.copied' : 'encryption.copy')}
        </Button>
        <Button className="button" onPress={() => void ownEncryption.renew()}>
          <RefreshCw />
          {t('encryption.renew')}
        </Button>
      </div>
      <p className="field-hint">{t('encryption.renewHint')}</p>
    </div>
  )
}

function Enter() {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [tried, setTried] = useState(false)
  const secret = secretFromText(text)
  const enter = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (secret === null) return
    void ownEncryption.use(secret)
    setText('')
    setTried(false)
  }
  return (
    <Form onSubmit={enter}>
      <TextField value={text} onChange={setText} isInvalid={tried && secret === null}>
        <Label>{t('encryption.paste')}</Label>
        <div className="field-row">
          <Input className="input" autoComplete="off" spellCheck="false" />
          <Button type="submit" className="button">
            {t('encryption.use')}
          </Button>
        </div>
        <FieldError className="field-error">{t('encryption.noKey')}</FieldError>
      </TextField>
    </Form>
  )
}
