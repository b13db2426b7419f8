import { reactions } from '@parley/protocol'
import { Hand, SmilePlus } from 'lucide-react'
import { Button, Dialog, DialogTrigger, Popover } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useOwnHand } from '../people/HandToggle.tsx'
import { ownCompany, ownReactions } from '../side/ownSide.ts'
import { emoji } from './emoji.ts'
import './reactions.css'

/** Reactions stay open for the next one; on a phone the hand is here, too. */
export function ReactMenu() {
  const { t } = useTranslation()
  const up = useOwnHand()
  return (
    <DialogTrigger>
      <IconButton label={t('reactions.open')} className="round">
        <SmilePlus />
      </IconButton>
      <Popover className="popover react-popover" placement="top" offset={10}>
        <Dialog className="react-menu" aria-label={t('reactions.open')}>
          {({ close }) => (
            <>
              <div className="react-row">
                {reactions.map((reaction) => (
                  <Button
                    key={reaction}
                    className="react-button"
                    aria-label={t(`reactions.name.${reaction}`)}
                    onPress={() => ownReactions.react(reaction)}
                  >
                    {emoji[reaction]}
                  </Button>
                ))}
              </div>
              <Button
                className="button small react-hand"
                onPress={() => {
                  void ownCompany.toggleHand()
                  close()
                }}
              >
                <Hand />
                {t(up ? 'people.ownDown' : 'people.ownUp')}
              </Button>
            </>
          )}
        </Dialog>
      </Popover>
    </DialogTrigger>
  )
}
