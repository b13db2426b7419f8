import { LogIn } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { here, ownSignIn } from './ownSignIn.ts'
import './sign-in.css'

/** Leaves for the identity provider, and comes back to this very page; or says why it cannot. */
export default function SignInButton({ primary = true }: { primary?: boolean }) {
  const { t } = useTranslation()
  const { busy, problem } = useAppState((state) => state.signIn)
  return (
    <>
      <Button
        className={primary ? 'button primary large' : 'button'}
        isPending={busy}
        onPress={() => void ownSignIn.begin(here())}
      >
        <LogIn aria-hidden="true" />
        {t(busy ? 'signin.leaving' : 'signin.button')}
      </Button>
      {problem !== undefined && (
        <p className="sign-in-problem" role="alert">
          {t(`signin.problem.${problem}`)}
        </p>
      )}
    </>
  )
}
