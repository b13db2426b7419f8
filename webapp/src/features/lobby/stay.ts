import { displayNameSchema } from '@parley/protocol'
import { roomLinkOf } from '../../app/route.ts'
import { cell, store } from '../../state.ts'
import type { CallSession } from '../call/CallSession.ts'
import { CallMemory, ownName } from '../call/callMemory.ts'
import { initialCall } from '../call/callState.ts'
import { initialLocal } from '../media/localState.ts'
import { ownMedia } from '../media/ownMedia.ts'
import { ownPreferences } from '../settings/ownPreferences.ts'

const call = cell('call')
const local = cell('local')
const memory = new CallMemory(sessionStorage)

/** The call's code comes while the person is still in the lobby. */
let ownCall: CallSession | undefined
/** Rises with every room entered or left: a join that was still loading then is of no interest. */
let stay = 0

export const browserCanCall = 'RTCPeerConnection' in window && 'WebSocket' in window

/**
 * This tab turns to a room: back into the call that a refresh interrupted, straight in where the
 * link says so, else into the lobby.
 * @returns what ends the stay
 */
export function enterRoom(room: string): () => void {
  const remembered = memory.recall()
  const link = roomLinkOf(location.search)
  const name = displayNameSchema.safeParse(link.name ?? ownName.read(localStorage))
  call.set({ ...initialCall, room, relayForced: link.relayForced })
  stay++
  void loadCall()
  if (remembered?.room === room) {
    local.set({
      audio: { ...local.get().audio, on: remembered.media.audio },
      video: { ...local.get().video, on: remembered.media.video },
    })
    void joinCall(remembered.name)
  } else if (ownPreferences.get().pushToTalk)
    local.set({ audio: { ...local.get().audio, on: false } })
  if (remembered?.room !== room && link.autojoin && name.success) void joinCall(name.data)
  void ownMedia.open()

  return () => {
    stay++
    ownCall?.leave()
    ownMedia.close()
    call.set(initialCall)
    local.set(initialLocal)
  }
}

/** Joins the room of the page; the microphone and camera may still be opening. */
export async function joinCall(name: string): Promise<void> {
  const startedAt = performance.now()
  const { room, relayForced } = call.get()
  const present = stay
  call.set({ phase: 'joining', name })
  const session = await loadCall()
  if (present === stay) await session.join({ room, name, relayForced, startedAt })
}

export function leaveCall(): void {
  ownCall?.leave()
  ownMedia.close()
}

export async function joinAgain(): Promise<void> {
  void ownMedia.open()
  await joinCall(call.get().name)
}

async function loadCall(): Promise<CallSession> {
  ownCall ??= (await import('../call/ownCall.ts')).ownCall
  return ownCall
}

// What a refresh needs is kept up to date while in a call, and no longer (REQ-P26, P28, P29).
store.subscribe(({ call: { phase, room, name }, local: { audio, video } }) => {
  if (phase === 'joined')
    memory.remember({ room, name, media: { audio: audio.on, video: video.on } })
  else if (phase === 'left') memory.forget()
})
