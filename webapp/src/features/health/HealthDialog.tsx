import { Check, Copy, Download } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { DialogFrame } from '../../ui/DialogFrame.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { useCopy } from '../../ui/useCopy.ts'
import '../settings/settings.css'
import { Toggle } from '../settings/Toggle.tsx'
import './health.css'
import {
  type HealthInput,
  healthReport,
  healthText,
  type LinkHealth,
  pathOf,
} from './healthReport.ts'
import { personOf, readHealth, readingsSource } from './ownHealth.ts'

const everyMs = 1000

/** How the call is, in plain words, and the same as a report to send to whoever helps. */
export default function HealthDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const health = useHealth()
  const [addresses, setAddresses] = useState(false)
  const report = health && healthReport(health, { addresses })
  const text = report ? healthText(report) : ''
  const [copied, copy] = useCopy(text)
  return (
    <DialogFrame
      title={t('health.title')}
      close={t('health.close')}
      className="health"
      onClose={onClose}
    >
      {health && (
        <div className="health-parts">
          <section>
            <h3>{t('health.connections')}</h3>
            {health.links.length === 0 && <p>{t('health.nobody')}</p>}
            {health.links.map((link) => (
              <Connection key={link.person} link={link} relayForced={health.call.relayForced} />
            ))}
          </section>
          <section>
            <h3>{t('health.send')}</h3>
            <p className="field-hint">{t('health.sendHint')}</p>
            <Toggle label={t('health.addresses')} value={addresses} onChange={setAddresses} />
            <div className="health-actions">
              <Button className="button primary" onPress={copy}>
                {copied ? <Check /> : <Copy />}
                {t(copied ? 'call.copied' : 'health.copy')}
              </Button>
              <Button
                className="button"
                onPress={() => save('call-health.json', JSON.stringify(report, null, 2))}
              >
                <Download />
                {t('health.json')}
              </Button>
              <Button className="button" onPress={() => save('call-health.txt', text)}>
                <Download />
                {t('health.text')}
              </Button>
            </div>
            <details>
              <summary>{t('health.see')}</summary>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, for the keyboard, too */}
              <pre className="health-report" tabIndex={0}>
                {text}
              </pre>
            </details>
          </section>
        </div>
      )}
    </DialogFrame>
  )
}

function useHealth(): HealthInput | undefined {
  const [health, setHealth] = useState<HealthInput>()
  useEffect(() => {
    const source = readingsSource()
    const read = () => void readHealth(source).then(setHealth)
    read()
    const timer = setInterval(read, everyMs)
    return () => clearInterval(timer)
  }, [])
  return health
}

type ConnectionProps = { link: LinkHealth; relayForced: boolean }

/** The person's own page shows the name; the report does not have it. */
function Connection({ link, relayForced }: ConnectionProps) {
  const { t } = useTranslation()
  const name = useAppState(
    ({ call }) => call.participants.find(({ id }) => personOf(id) === link.person)?.name ?? '',
  )
  const whole = (value: number | undefined) => (value === undefined ? '–' : Math.round(value))
  return (
    <div className="health-link">
      <strong>
        <bdi>{name}</bdi>
      </strong>
      <span className={`health-quality ${link.quality}`}>
        {link.link === 'connected'
          ? t(`quality.${link.quality as 'good'}`)
          : t(`call.link.${link.link as 'connecting'}`)}
      </span>
      <p>{t(`health.path.${pathOf(link, relayForced)}`)}</p>
      <p className="health-figures">
        {t('health.figures', {
          rtt: whole(link.rttMs),
          loss: whole(link.lossPercent),
          sent: whole(link.sentKbps),
          received: whole(link.receivedKbps),
        })}
      </p>
    </div>
  )
}

function save(name: string, text: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
