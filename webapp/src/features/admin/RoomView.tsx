import type { LiveUser } from '@parley/protocol'
import { useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { wantedLater } from '../../ui/wantedLater.tsx'
import { bitRate, tenths } from '../metrics/format.ts'
import { sortUsers, type UserColumn } from './boardViews.ts'
import { decimal } from './figures.ts'
import { RelayBadge } from './RelayBadge.tsx'
import { SortHead, useSort } from './SortHead.tsx'

const PersonDialog = wantedLater(() => import('./PersonDialog.tsx'))

const columns: UserColumn[] = ['id', 'up', 'down', 'rtt', 'loss', 'quality', 'mos', 'relayed']

/** One meeting: how everybody in it is. */
export function RoomView({ room, users }: { room: string; users: readonly LiveUser[] }) {
  const { t, i18n } = useTranslation()
  const { sort, toggle } = useSort<UserColumn>('quality', 'ascending')
  const [person, setPerson] = useState<string>()
  return (
    <>
      <h2 className="admin-room">{room}</h2>
      {users.length === 0 && <p className="admin-empty">{t('admin.nobody')}</p>}
      <div className="admin-scroll">
        <table className="admin-table">
          <caption className="visually-hidden">{t('admin.people', { room })}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <SortHead key={column} column={column} sort={sort} onSort={toggle}>
                  {t(`admin.user.${column}`)}
                </SortHead>
              ))}
            </tr>
          </thead>
          <tbody>
            {sortUsers(users, sort.column, sort.direction).map(
              ({ userId, metrics, quality, mos }) => (
                <tr key={userId}>
                  <th scope="row">
                    <Button className="admin-link" onPress={() => setPerson(userId)}>
                      {userId}
                    </Button>
                  </th>
                  <td>{bitRate(metrics.up, i18n.language)}</td>
                  <td>{bitRate(metrics.down, i18n.language)}</td>
                  <td>
                    {metrics.rtt === null ? t('admin.none') : t('admin.ms', { ms: metrics.rtt })}
                  </td>
                  <td>
                    {metrics.loss === null
                      ? t('admin.none')
                      : t('admin.percent', { value: decimal(metrics.loss, i18n.language) })}
                  </td>
                  <td>
                    <span className={`admin-quality ${quality}`}>
                      {t(`admin.quality.${quality}`)}
                    </span>
                  </td>
                  <td>{mos === null ? t('admin.none') : tenths(mos, i18n.language)}</td>
                  <td>{metrics.relayed > 0 && <RelayBadge />}</td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </div>
      {person !== undefined && (
        <PersonDialog room={room} person={person} onClose={() => setPerson(undefined)} />
      )}
    </>
  )
}
