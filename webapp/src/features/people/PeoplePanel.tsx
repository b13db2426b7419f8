import { moderates } from '@parley/protocol'
import { Check, Link2, Search } from 'lucide-react'
import { useLayoutEffect, useRef, useState } from 'react'
import { Button, Input, SearchField } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useCopy } from '../../ui/useCopy.ts'
import { useInvite } from '../call/useInvite.ts'
import { Knockers } from './Knockers.tsx'
import { PersonRow } from './PersonRow.tsx'
import { peopleList, searchFrom } from './peopleList.ts'
import './people.css'
import { RoomMenu } from './RoomMenu.tsx'
import { useOwnRole, usePeople } from './usePeople.ts'

export function PeoplePanel() {
  const { t, i18n } = useTranslation()
  const everybody = usePeople()
  const role = useOwnRole()
  const [search, setSearch] = useState('')
  const [copied, copy] = useCopy(useInvite())
  const searchable = everybody.length >= searchFrom
  const people = peopleList(everybody, searchable ? search : '', i18n.language)
  const list = useListFocus(people.map(({ id }) => id).join())
  return (
    <div className="people">
      <div className="people-scroll">
        {moderates(role) && <Knockers />}
        {searchable && (
          <SearchField
            className="people-search"
            aria-label={t('people.search')}
            value={search}
            onChange={setSearch}
          >
            <Search aria-hidden="true" />
            <Input className="input" placeholder={t('people.search')} />
          </SearchField>
        )}
        <ul className="people-list" aria-label={t('call.participants')} {...list}>
          {people.map((person) => (
            <PersonRow key={person.id} person={person} ownRole={role} />
          ))}
        </ul>
        {people.length === 0 && <p className="people-none">{t('people.none', { search })}</p>}
      </div>
      <div className="people-foot">
        <Button className="button" onPress={copy}>
          {copied ? <Check /> : <Link2 />}
          {t(copied ? 'controls.invited' : 'controls.invite')}
        </Button>
        {moderates(role) && <RoomMenu />}
        <span className="visually-hidden" role="status">
          {copied && t('controls.invited')}
        </span>
      </div>
    </div>
  )
}

/** A row that moves up or down takes the focus out of it, where browsers lose it: it is given back. */
function useListFocus(order: string) {
  const focused = useRef<HTMLElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the order has changed
  useLayoutEffect(() => {
    if (document.activeElement === document.body && focused.current?.isConnected)
      focused.current.focus()
  }, [order])
  return {
    onFocus: ({ target }: React.FocusEvent<HTMLElement>) => {
      focused.current = target
    },
    onBlur: ({ relatedTarget }: React.FocusEvent<HTMLElement>) => {
      if (relatedTarget) focused.current = null
    },
  }
}
