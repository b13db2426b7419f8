import { useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { keyName } from '../voice/keys.ts'
import {
  defaultBindings,
  remap,
  type ShortcutAction,
  shortcutActions,
} from '../voice/shortcutBindings.ts'
import { ownPreferences } from './ownPreferences.ts'

/** Which key does what (REQ-P18): press a button, then the key. */
export function ShortcutSettings() {
  const { t } = useTranslation()
  const bindings = useAppState((state) => state.preferences.shortcuts)
  const [asking, setAsking] = useState<ShortcutAction | null>(null)
  const [refusal, setRefusal] = useState('')

  const bind = (action: ShortcutAction, key: string | null) => {
    const changed = remap(bindings, action, key)
    if (changed.kind === 'mapped') {
      ownPreferences.set({ shortcuts: changed.bindings })
      setRefusal('')
    } else if (changed.kind === 'taken')
      setRefusal(
        t('settings.keys.taken', { key, action: t(`settings.keys.actions.${changed.by}`) }),
      )
    else setRefusal(t('settings.keys.reserved', { key }))
  }
  const pressed = (event: React.KeyboardEvent) => {
    if (!asking || event.key === 'Tab') return setAsking(null)
    event.preventDefault()
    event.stopPropagation()
    if (event.key === 'Escape') return setAsking(null)
    const key = keyName(event.nativeEvent)
    if (key === undefined) return // a modifier: the key is still to come
    setAsking(null)
    bind(asking, key)
  }

  return (
    <div className="settings-fields">
      <p>{t('settings.keys.lead')}</p>
      <p className="field-error" role="alert">
        {refusal}
      </p>
      <ul className="keys">
        {shortcutActions.map((action) => {
          const name = t(`settings.keys.actions.${action}`)
          return (
            <li key={action} onKeyDownCapture={asking === action ? pressed : undefined}>
              <span>{name}</span>
              <Button
                className={asking === action ? 'key asking' : 'key'}
                aria-label={t('settings.keys.change', {
                  action: name,
                  key: bindings[action] ?? t('settings.keys.none'),
                })}
                onPress={() => setAsking(action)}
                onBlur={() => setAsking(null)}
              >
                {asking === action
                  ? t('settings.keys.press')
                  : (bindings[action] ?? t('settings.keys.none'))}
              </Button>
              <Button
                className="button small"
                isDisabled={bindings[action] === null}
                aria-label={t('settings.keys.removeOf', { action: name })}
                onPress={({ target }) => {
                  bind(action, null)
                  // A button that is disabled loses the focus: to its neighbour, which says what holds now.
                  const { previousElementSibling: key } = target
                  if (key instanceof HTMLElement) key.focus()
                }}
              >
                {t('settings.keys.remove')}
              </Button>
            </li>
          )
        })}
      </ul>
      <Button
        className="button small"
        onPress={() => {
          ownPreferences.set({ shortcuts: { ...defaultBindings } })
          setRefusal('')
        }}
      >
        {t('settings.keys.reset')}
      </Button>
    </div>
  )
}
