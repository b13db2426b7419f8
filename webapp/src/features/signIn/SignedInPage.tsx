import { KeyRound } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { replacePath } from '../../app/router.ts'
import { Loading } from '../../ui/Loading.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { MessagePage } from '../lobby/EndPages.tsx'
import { ownSignIn } from './ownSignIn.ts'

let completing: ReturnType<typeof ownSignIn.complete> | undefined

/** Where the identity provider sends people back to: on to where they came from, or why not. */
export default function SignedInPage() {
  const { t } = useTranslation()
  const { problem } = useAppState((state) => state.signIn)
  const [cameFrom, setCameFrom] = useState('/')
  useEffect(() => {
    document.title = t('signin.title')
    // Once, however often it is drawn: what is in the address is good for one time.
    completing ??= ownSignIn.complete(location.href)
    void completing.then(({ done, path }) => {
      if (done) replacePath(path)
      else setCameFrom(path)
    })
  }, [t])
  if (problem === undefined) return <Loading />
  return (
    <MessagePage
      icon={KeyRound}
      title={t('signin.failed')}
      text={t(`signin.problem.${problem}`)}
      alert
    >
      <Button className="button primary" autoFocus onPress={() => replacePath(cameFrom)}>
        {t('signin.back')}
      </Button>
    </MessagePage>
  )
}
