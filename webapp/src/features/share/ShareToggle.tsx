import { MonitorUp, MonitorX } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { useHint } from '../voice/useHint.ts'
import { ownShare } from './ownShare.ts'

/** Where the browser can share; phones cannot. */
export function ShareToggle() {
  const { t } = useTranslation()
  const sharing = useAppState((state) => state.share.screen !== null)
  const joined = useAppState((state) => state.call.phase === 'joined')
  const action = t(sharing ? 'share.stop' : 'share.start')
  const hint = useHint(action, 'share')
  if (!ownShare.possible) return null
  return (
    <IconButton
      label={action}
      hint={hint}
      className={sharing ? 'round on' : 'round'}
      // Not while one chooses: a button that is disabled loses the focus, and a second press begins nothing.
      isDisabled={!joined}
      onPress={() => void ownShare.toggle()}
    >
      {sharing ? <MonitorX /> : <MonitorUp />}
    </IconButton>
  )
}
