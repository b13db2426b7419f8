import { moderates } from '@parley/protocol'
import { BellRing, Info } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { ownCompany, showSide } from '../side/ownSide.ts'
import type { CompanyNotice } from './companyState.ts'
import './people.css'
import { useOwnRole } from './usePeople.ts'

/** Who knocks, for hosts; what a host did to oneself; what did not work. */
export function CompanyNotices() {
  return (
    <>
      <KnockNotice />
      <Notice />
    </>
  )
}

/** Not where the list of those who wait is on screen already. */
function KnockNotice() {
  const { t } = useTranslation()
  const role = useOwnRole()
  const lobby = useAppState((state) => state.company.lobby)
  const listed = useAppState((state) => state.side.tab === 'people')
  const [first] = lobby
  if (!moderates(role) || listed || !first) return null
  return (
    <div className="callout knock" role="alert">
      <BellRing aria-hidden="true" />
      {lobby.length > 1 ? (
        <>
          <div>{t('people.waiting', { count: lobby.length })}</div>
          <Button className="button small primary" onPress={() => showSide('people')}>
            {t('people.see')}
          </Button>
        </>
      ) : (
        <>
          <div>
            <bdi>{t('people.knocks', { name: first.name })}</bdi>
          </div>
          <Button className="button small" onPress={() => void ownCompany.deny(first.id)}>
            {t('people.deny')}
          </Button>
          <Button className="button small primary" onPress={() => void ownCompany.admit(first.id)}>
            {t('people.admit')}
          </Button>
        </>
      )}
    </div>
  )
}

function Notice() {
  const { t } = useTranslation()
  const notice = useAppState((state) => state.company.notice)
  const text = (shown: CompanyNotice) => {
    switch (shown.kind) {
      case 'muted':
        return t(`people.notice.muted.${shown.what}`)
      case 'host':
        return t('people.notice.host')
      case 'failed':
        return t(`people.notice.failed.${shown.why}`)
    }
  }
  return (
    <div role="status">
      {notice && (
        <div className="callout">
          <Info aria-hidden="true" />
          <div>{text(notice)}</div>
        </div>
      )}
    </div>
  )
}
