import { ArrowLeft, Download } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { bitRate } from '../metrics/format.ts'
import {
  filterMeetings,
  type MeetingColumn,
  meetingsOf,
  type Only,
  sortMeetings,
} from './boardViews.ts'
import { csvOf, download, exportRows } from './exportFiles.ts'
import { decimal } from './figures.ts'
import { ownBoard } from './ownAdmin.ts'
import { RelayBadge } from './RelayBadge.tsx'
import { RoomView } from './RoomView.tsx'
import { SortHead, useSort } from './SortHead.tsx'

/** More rows than anybody reads would only slow the page down; what is looked for is found. */
const rowsMax = 200
const columns: MeetingColumn[] = ['id', 'users', 'kbps', 'score', 'relayed', 'alerts']

/** The meetings that there are now, and each of them. */
export function LiveTab() {
  const { t, i18n } = useTranslation()
  const users = useStore(ownBoard.store, (state) => state.users)
  const alerts = useStore(ownBoard.store, (state) => state.alerts)
  const [text, setText] = useState('')
  const [only, setOnly] = useState<Only>('all')
  const [room, setRoom] = useState<string>()
  /** Who comes back goes on where they were. */
  const [left, setLeft] = useState<string>()
  const { sort, toggle } = useSort<MeetingColumn>('users', 'descending')
  const wanted = useDeferredValue(text)
  const meetings = meetingsOf(users.values(), alerts.values())
  const found = sortMeetings(filterMeetings(meetings, wanted, only), sort.column, sort.direction)
  const close = () => {
    setLeft(room)
    setRoom(undefined)
  }
  if (room !== undefined)
    return (
      <section>
        <Button className="button small" autoFocus onPress={close}>
          <ArrowLeft aria-hidden="true" />
          {t('admin.back')}
        </Button>
        <RoomView room={room} users={meetings.find(({ id }) => id === room)?.users ?? []} />
      </section>
    )
  return (
    <section>
      <div className="admin-tools">
        <label>
          <span className="visually-hidden">{t('admin.search')}</span>
          <input
            type="search"
            className="input"
            placeholder={t('admin.search')}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <label className="select-box">
          <span className="visually-hidden">{t('admin.show')}</span>
          <select
            className="input"
            value={only}
            onChange={(event) => setOnly(event.target.value as Only)}
          >
            {(['all', 'relayed', 'issues'] as const).map((one) => (
              <option key={one} value={one}>
                {t(`admin.only.${one}`)}
              </option>
            ))}
          </select>
        </label>
        <Button
          className="button"
          onPress={() => download('meetings.csv', 'text/csv', csvOf(exportRows(found)))}
        >
          <Download aria-hidden="true" />
          CSV
        </Button>
        <Button
          className="button"
          onPress={() =>
            download(
              'meetings.json',
              'application/json',
              `${JSON.stringify(exportRows(found), null, 2)}\n`,
            )
          }
        >
          <Download aria-hidden="true" />
          JSON
        </Button>
      </div>
      <div className="admin-scroll">
        <table className="admin-table">
          <caption className="visually-hidden">{t('admin.meetings')}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <SortHead key={column} column={column} sort={sort} onSort={toggle}>
                  {t(`admin.meeting.${column}`)}
                </SortHead>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.slice(0, rowsMax).map(({ id, summary }) => (
              <tr key={id}>
                <th scope="row">
                  <Button
                    className="admin-link"
                    autoFocus={id === left}
                    onPress={() => setRoom(id)}
                  >
                    {id}
                  </Button>
                </th>
                <td>{summary.participants}</td>
                <td>{bitRate(summary.totalKbps, i18n.language)}</td>
                <td>
                  {summary.averageScore === null
                    ? t('admin.none')
                    : decimal(summary.averageScore, i18n.language, 0)}
                </td>
                <td>
                  {summary.onRelay > 0 ? <RelayBadge count={summary.onRelay} /> : summary.onRelay}
                </td>
                <td>{summary.openAlerts}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {found.length === 0 && (
        <p className="admin-empty">
          {t(meetings.length === 0 ? 'admin.noMeetings' : 'admin.nothingFound')}
        </p>
      )}
      {found.length > rowsMax && (
        <p className="admin-empty">{t('admin.more', { rest: found.length - rowsMax })}</p>
      )}
    </section>
  )
}
