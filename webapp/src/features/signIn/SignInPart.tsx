import { LogOut } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { here, ownSignIn } from './ownSignIn.ts'
import SignInButton from './SignInButton.tsx'
import './sign-in.css'

/** Before joining: who is signed in, or the way to. */
export default function SignInPart({ needed }: { needed: boolean }) {
  const { t } = useTranslation()
  const { person } = useAppState((state) => state.signIn)
  if (person)
    return (
      <p className="sign-in-person">
        <span>{person.name ? t('signin.as', person) : t('signin.signedIn')}</span>
        <Button className="button" onPress={() => void ownSignIn.signOut(here())}>
          <LogOut aria-hidden="true" />
          {t('signin.out')}
        </Button>
      </p>
    )
  return (
    <div className="sign-in">
      <p>{t(needed ? 'signin.needed' : 'signin.offered')}</p>
      <SignInButton primary={needed} />
    </div>
  )
}
