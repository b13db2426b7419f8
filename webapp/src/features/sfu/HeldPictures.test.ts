import { describe, expect, it } from '@jest/globals'
import { fakeSender } from '../../testing/fakeSender.ts'
import { settle } from '../../testing/TestClock.ts'
import { HeldPictures } from './HeldPictures.ts'

const track = (name: string) => ({ kind: 'video', name }) as unknown as MediaStreamTrack

function sending() {
  const [camera, screen] = [track('camera'), track('screen')]
  const ofCamera = fakeSender(camera)
  const ofScreen = fakeSender(screen)
  const pictures = new HeldPictures(() => [
    { sender: ofCamera.sender, track: camera },
    { sender: ofScreen.sender, track: screen },
  ])
  return { camera, screen, ofCamera, ofScreen, pictures }
}

async function settled() {
  for (let nth = 0; nth < 30; nth++) await settle()
}

const forgotten = ['video/H264', 'video/VP8', undefined]
const sent = (track: MediaStreamTrack) => ({ sent: track, codec: 'video/VP8' })

describe('HeldPictures', () => {
  it('REQ-P7: sends none into a cut, forgets what went into it, and begins with whole ones', async () => {
    const { camera, screen, ofCamera, ofScreen, pictures } = sending()
    pictures.hold(true)
    await settled()
    expect([ofCamera.done, ofScreen.done]).toEqual([
      [null, ...forgotten],
      [null, ...forgotten],
    ])
    pictures.hold(false)
    await settled()
    expect(ofCamera.done.slice(4)).toEqual([sent(camera), 'whole'])
    expect(ofScreen.done.slice(4)).toEqual([sent(screen), 'whole'])
  })

  it('REQ-P7: never sends a picture of the codec that is only chosen to forget, however short a cut is', async () => {
    const { camera, ofCamera, pictures } = sending()
    pictures.hold(true)
    pictures.hold(false)
    pictures.beginWithWholePictures()
    await settled()
    expect(ofCamera.done).toEqual([null, ...forgotten, sent(camera), 'whole', 'whole'])
  })

  it('goes on with what comes next where a sender refuses everything, and with the other senders', async () => {
    const { ofCamera, ofScreen, pictures } = sending()
    ofCamera.refuse(4)
    Object.assign(ofScreen.sender, { replaceTrack: () => Promise.reject(new Error('closed')) })
    pictures.hold(true)
    await settled()
    expect([ofCamera.done, ofScreen.done]).toEqual([[null, undefined], []])
    pictures.beginWithWholePictures()
    await settled()
    expect(ofScreen.done).toEqual(['whole'])
  })
})
