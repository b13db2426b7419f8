import { Activity } from 'lucide-react'
import { Dialog, DialogTrigger, Heading, Popover } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { bitRate } from './format.ts'
import './metrics.css'

/** What the call takes of the network, for who wants to know: all of it, and for each participant (REQ-M6). */
export function Bandwidth() {
  const { t } = useTranslation()
  const measured = useAppState((state) => state.metrics.user !== null)
  if (!measured) return null
  return (
    <DialogTrigger>
      <IconButton label={t('bandwidth.button')} className="bar-button">
        <Activity />
      </IconButton>
      <Popover className="popover bandwidth" placement="bottom start" offset={8}>
        <Dialog>
          <Heading slot="title">{t('bandwidth.title')}</Heading>
          <Figures />
        </Dialog>
      </Popover>
    </DialogTrigger>
  )
}

function Figures() {
  const { t, i18n } = useTranslation()
  const user = useAppState((state) => state.metrics.user)
  const links = useAppState((state) => state.metrics.links)
  const participants = useAppState((state) => state.call.participants)
  const rate = (kbps: number | undefined) =>
    kbps === undefined ? t('bandwidth.none') : bitRate(kbps, i18n.language)
  const delay = (ms: number | null | undefined) =>
    ms === undefined || ms === null
      ? t('bandwidth.none')
      : t('bandwidth.ms', { ms: Math.round(ms) })
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">{t('bandwidth.who')}</span>
          </th>
          <th scope="col">{t('bandwidth.up')}</th>
          <th scope="col">{t('bandwidth.down')}</th>
          <th scope="col">{t('bandwidth.latency')}</th>
        </tr>
      </thead>
      <tbody>
        {participants.flatMap(({ id, name }) => {
          const link = links[id]
          if (!link) return []
          const picture = link.received
          const details = [
            picture && t('bandwidth.picture', { ...picture, fps: Math.round(picture.fps) }),
            link.codecs.video,
            link.usingRelay && t('relay.short'),
          ].filter(Boolean)
          return [
            <tr key={id}>
              <th scope="row">
                {name}
                <small>{details.join(' · ')}</small>
              </th>
              <td>{rate(link.total?.up)}</td>
              <td>{rate(link.total?.down)}</td>
              <td>{delay(link.rttMs)}</td>
            </tr>,
          ]
        })}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{t('bandwidth.all')}</th>
          <td>{rate(user?.up)}</td>
          <td>{rate(user?.down)}</td>
          <td>{delay(user?.rtt)}</td>
        </tr>
      </tfoot>
    </table>
  )
}
