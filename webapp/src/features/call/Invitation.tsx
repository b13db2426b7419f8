import { Check, Link2 } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useCopy } from '../../ui/useCopy.ts'
import { useInvite } from './useInvite.ts'

/** For the first one in a room: the link to send. */
export function Invitation() {
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
      <span className="visually-hidden" role="status">
        {copied && t('controls.invited')}
      </span>
    </div>
  )
}
