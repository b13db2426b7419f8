import { chatTextMax } from '@parley/protocol'
import { SendHorizontal } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { TextArea, TextField } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { ownChat } from '../side/ownSide.ts'

/** What is left is told when it is little. */
const countFrom = chatTextMax - 200

/** What was begun is there when the panel is opened again. */
let draft = ''

export function Composer() {
  const { t } = useTranslation()
  const [text, setText] = useState(draft)
  const signaling = useAppState((state) => state.call.signaling)
  const field = useRef<HTMLTextAreaElement>(null)
  const write = (written: string) => {
    draft = written
    setText(written)
  }
  useEffect(() => {
    // On a phone the keyboard would cover what there is to read.
    if (matchMedia('(pointer: fine)').matches) field.current?.focus()
  }, [])
  const send = () => {
    if (ownChat.say(text)) write('')
    field.current?.focus()
  }
  const pressed = (event: KeyboardEvent) => {
    // Enter ends a word of an input method, too.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }
  return (
    <div className="composer">
      {signaling !== 'up' && <p className="composer-note">{t('chat.offline')}</p>}
      <div className="composer-row">
        <TextField
          className="composer-field"
          aria-label={t('chat.write')}
          value={text}
          onChange={write}
          maxLength={chatTextMax}
        >
          <TextArea
            ref={field}
            className="input"
            rows={1}
            dir="auto"
            placeholder={t('chat.write')}
            aria-describedby="composer-keys"
            onKeyDown={pressed}
          />
        </TextField>
        <IconButton
          label={t('chat.send')}
          className="send"
          isDisabled={text.trim() === ''}
          onPress={send}
        >
          <SendHorizontal />
        </IconButton>
      </div>
      <p className="composer-keys" id="composer-keys">
        {text.length > countFrom
          ? t('chat.left', { count: chatTextMax - text.length })
          : t('chat.keys')}
      </p>
    </div>
  )
}
