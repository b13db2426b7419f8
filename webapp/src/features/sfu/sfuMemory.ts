import { keep, kept } from '../../ui/kept.ts'

const key = 'parley.sfu-room'

/**
 * The room that this browser last found on the SFU: a meeting that was large is again, as a rule. Whoever comes to it has
 * the code of the SFU run before the server has said so.
 */
export const sfuMemory = {
  expects: (room: string) => kept(key) === room,
  found(room: string, way: 'mesh' | 'sfu'): void {
    if (way === 'sfu') keep(key, room)
    else if (kept(key) === room) keep(key, '')
  },
}
