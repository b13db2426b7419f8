import { ArrowDown, MessageSquare } from 'lucide-react'
import { useLayoutEffect, useRef, useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { ChatEntryView } from './ChatEntryView.tsx'
import type { ChatEntry } from './ChatLog.ts'
import { Composer } from './Composer.tsx'
import './chat.css'

/** Entries of one person within this time stand under one name. */
const togetherMs = 5 * 60_000
/** So near to its end the list goes along with what is new. */
const nearPx = 60

export function ChatPanel() {
  const { t } = useTranslation()
  const entries = useAppState((state) => state.chat.entries)
  const log = useRef<HTMLDivElement>(null)
  const [behind, setBehind] = useState(false)
  const follows = useRef(true)
  const last = entries.at(-1)
  const seen = useRef<string>(undefined)

  // The end stays in sight, unless the person has scrolled up to read; what one writes is seen.
  useLayoutEffect(() => {
    const element = log.current
    if (!element) return
    const isNew = last?.id !== seen.current
    seen.current = last?.id
    if (follows.current || (isNew && last?.own)) {
      element.scrollTop = element.scrollHeight
      setBehind(false)
    } else if (isNew) setBehind(true)
  }, [last])

  const scrolled = () => {
    const element = log.current
    if (!element) return
    follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < nearPx
    if (follows.current) setBehind(false)
  }
  return (
    <div className="chat">
      <div className="chat-middle">
        {entries.length === 0 && (
          <div className="side-empty">
            <MessageSquare aria-hidden="true" />
            <p>{t('chat.empty')}</p>
          </div>
        )}
        <div
          ref={log}
          className="chat-log"
          role="log"
          aria-label={t('chat.log')}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard
          tabIndex={0}
          onScroll={scrolled}
        >
          {entries.map((entry, i) => (
            <ChatEntryView key={entry.id} entry={entry} head={!together(entries[i - 1], entry)} />
          ))}
        </div>
        {behind && (
          <Button
            className="button small chat-new"
            onPress={() => log.current?.scrollTo({ top: log.current.scrollHeight })}
          >
            <ArrowDown />
            {t('chat.newer')}
          </Button>
        )}
      </div>
      <Composer />
    </div>
  )
}

function together(before: ChatEntry | undefined, entry: ChatEntry): boolean {
  if (before?.name !== entry.name || before.own !== entry.own) return false
  if (entry.state !== 'sent') return true
  return before.state === 'sent' && entry.at - before.at < togetherMs
}
