import { useLayoutEffect } from 'react'
import { CallPage } from '../../app/parts.ts'
import { drawNow, useAppState } from '../../ui/useAppState.ts'
import { BadRoom, ErrorPage, LeftPage } from './EndPages.tsx'
import { Lobby } from './Lobby.tsx'
import { enterRoom } from './stay.ts'
import { lacking } from './support.ts'
import { WaitingPage } from './WaitingPage.tsx'

/** A room, from its door to its end. `room` is undefined where the link names none. */
export default function RoomPage({ room }: { room: string | undefined }) {
  if (room === undefined) return <BadRoom />
  if (lacking(window).length > 0) return <ErrorPage code="unsupported" />
  return <Room room={room} />
}

function Room({ room }: { room: string }) {
  const phase = useAppState((state) => state.call.phase)
  const error = useAppState((state) => state.call.error)
  useLayoutEffect(() => {
    const end = enterRoom(room)
    // Before anything is painted: who joins at once sees no lobby.
    drawNow()
    return end
  }, [room])
  switch (phase) {
    case 'idle':
      return <Lobby room={room} />
    case 'joining':
    case 'joined':
      return <CallPage />
    case 'waiting':
      return <WaitingPage />
    case 'left':
      return <LeftPage />
    case 'failed':
      return <ErrorPage code={error ?? 'internal'} />
  }
}
