import { Waypoints } from 'lucide-react'
import { useTranslation } from 'react-i18next'

/** On TURN: it costs money. @param count of participants; left out: this one */
export function RelayBadge({ count }: { count?: number }) {
  const { t } = useTranslation()
  return (
    <span className="relay-badge">
      <Waypoints aria-hidden="true" />
      {count === undefined ? t('admin.relay.badge') : t('admin.relay.count', { users: count })}
    </span>
  )
}
