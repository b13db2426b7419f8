import { LogIn, LogOut } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { here, ownSignIn } from './ownSignIn.ts'
import './sign-in.css'

/** Leaves for the identity provider, and comes back to this very page. */
export function SignInButton({ primary = false }: { primary?: boolean }) {
  const { t } = useTranslation()
  const { busy } = useAppState((state) => state.signIn)
  return (
    <Button
      className={primary ? 'button primary large' : 'button'}
      isPending={busy}
      onPress={() => void ownSignIn.begin(here())}
    >
      <LogIn aria-hidden="true" />
      {t(busy ? 'signin.leaving' : 'signin.button')}
    </Button>
  )
}

/** Why it did not work, and what to do. */
export function SignInProblemNote() {
  const { t } = useTranslation()
  const { problem } = useAppState((state) => state.signIn)
  if (problem === undefined) return null
  return (
    <p className="sign-in-problem" role="alert">
      {t(`signin.problem.${problem}`)}
    </p>
  )
}

/** Before joining: who is signed in, or the way to. */
export function SignInPart({ needed }: { needed: boolean }) {
  const { t } = useTranslation()
  const { person } = useAppState((state) => state.signIn)
  return (
    <div className="sign-in">
      {person ? (
        <p className="sign-in-person">
          <span>{person.name ? t('signin.as', person) : t('signin.signedIn')}</span>
          <Button className="button" onPress={() => void ownSignIn.signOut(here())}>
            <LogOut aria-hidden="true" />
            {t('signin.out')}
          </Button>
        </p>
      ) : (
        <>
          <p>{t(needed ? 'signin.needed' : 'signin.offered')}</p>
          <SignInButton primary={needed} />
        </>
      )}
      <SignInProblemNote />
    </div>
  )
}
