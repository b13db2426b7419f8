import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { ownCompany } from '../side/ownSide.ts'

/** Who waits to be let in; for hosts. */
export function Knockers() {
  const { t } = useTranslation()
  const lobby = useAppState((state) => state.company.lobby)
  if (lobby.length === 0) return null
  return (
    <section className="knockers" aria-label={t('people.waiting', { count: lobby.length })}>
      <h2>{t('people.waiting', { count: lobby.length })}</h2>
      <ul>
        {lobby.map(({ id, name }) => (
          <li key={id}>
            <bdi className="knocker-name">{name}</bdi>
            <Button
              className="button small"
              aria-label={t('people.denyNamed', { name })}
              onPress={() => void ownCompany.deny(id)}
            >
              {t('people.deny')}
            </Button>
            <Button
              className="button small primary"
              aria-label={t('people.admitNamed', { name })}
              onPress={() => void ownCompany.admit(id)}
            >
              {t('people.admit')}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  )
}
