import { Clock, TriangleAlert } from 'lucide-react'
import { type CSSProperties, Fragment, memo } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { hueOf } from '../call/avatar.ts'
import { ownChat } from '../side/ownSide.ts'
import type { ChatEntry } from './ChatLog.ts'
import { linkParts } from './linkParts.ts'

type Props = {
  entry: ChatEntry
  /** The first under its name. */
  head: boolean
}

export const ChatEntryView = memo(function ChatEntryView({ entry, head }: Props) {
  const { t, i18n } = useTranslation()
  const { name, own, text, state } = entry
  const time =
    state === 'sent'
      ? new Date(entry.at).toLocaleTimeString(i18n.language, { hour: '2-digit', minute: '2-digit' })
      : undefined
  return (
    <article className={own ? 'chat-entry own' : 'chat-entry'} data-state={state}>
      <header className={head ? 'chat-head' : 'visually-hidden'}>
        <bdi className="chat-name" style={{ '--hue': hueOf(name) } as CSSProperties}>
          {own ? t('chat.you') : name}
        </bdi>
        {time && (
          <time dateTime={new Date(state === 'sent' ? entry.at : 0).toISOString()}>{time}</time>
        )}
      </header>
      <p className="chat-text" dir="auto">
        {linkParts(text).map(({ text: part, url }, i) =>
          url === undefined ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text do not change
            <Fragment key={i}>{part}</Fragment>
          ) : (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text do not change
            <a key={i} href={url} target="_blank" rel="noopener noreferrer">
              {part}
            </a>
          ),
        )}
      </p>
      <EntryState entry={entry} />
    </article>
  )
})

/** What has become of a message of one's own that the server does not have. */
function EntryState({ entry: { id, state } }: { entry: ChatEntry }) {
  const { t } = useTranslation()
  if (state === 'waiting')
    return (
      <p className="chat-state">
        <Clock aria-hidden="true" />
        {t('chat.waiting')}
      </p>
    )
  if (state === 'refused')
    return (
      <p className="chat-state refused">
        <TriangleAlert aria-hidden="true" />
        {t('chat.refused')}
        <Button className="link-button" onPress={() => ownChat.retry(id)}>
          {t('chat.retry')}
        </Button>
        <Button className="link-button" onPress={() => ownChat.discard(id)}>
          {t('chat.discard')}
        </Button>
      </p>
    )
  return null
}
