/**
 * Runs in a page, before all else: its camera is a painted person, its screen a painted page.
 *
 * @param index tells the people apart
 */
export function paintCamera(index: number): void {
  const tones = [
    ['#d9ccc0', '#8c5a3c', '#2f6f7e', '#2b1a12'],
    ['#c9d5d8', '#d9a87c', '#a8453a', '#1a1412'],
    ['#d8d2e2', '#5c3a26', '#d9a441', '#120c0a'],
    ['#cfdccb', '#e8b894', '#4b5fa8', '#7a4a22'],
    ['#e3d6c6', '#f0c8a8', '#3a5a44', '#c99a4a'],
    ['#d2d8e4', '#e2b48c', '#7a3f6e', '#15110f'],
    ['#dcd3c4', '#a8714a', '#33507a', '#1c120c'],
    ['#cddbdd', '#dca97e', '#b8623a', '#18110e'],
  ]
  const [wall, skin, cloth, hair] = tones[index % tones.length] as [string, string, string, string]
  const canvas = (width: number, height: number, paint: (c: CanvasRenderingContext2D) => void) => {
    const element = document.createElement('canvas')
    Object.assign(element, { width, height })
    const context = element.getContext('2d') as CanvasRenderingContext2D
    paint(context)
    // A picture that never changes sends no frames.
    setInterval(() => paint(context), 200)
    return element.captureStream(10)
  }
  const ellipse = (c: CanvasRenderingContext2D, x: number, y: number, w: number, h: number) => {
    c.beginPath()
    c.ellipse(x, y, w, h, 0, 0, 2 * Math.PI)
    c.fill()
  }
  const person = (c: CanvasRenderingContext2D) => {
    const light = c.createLinearGradient(0, 0, 640, 360)
    light.addColorStop(0, '#ffffff')
    light.addColorStop(0.25, wall)
    light.addColorStop(1, wall)
    c.fillStyle = light
    c.fillRect(0, 0, 640, 360)
    c.fillStyle = cloth
    ellipse(c, 320, 400, 170, 140)
    c.fillStyle = skin
    c.fillRect(290, 220, 60, 60)
    ellipse(c, 320, 278, 34, 18)
    c.fillStyle = hair
    ellipse(c, 320, 150, 82, 92)
    c.fillStyle = skin
    ellipse(c, 320, 172, 64, 80)
    c.fillStyle = hair
    ellipse(c, 320, 92, 66, 34)
    c.fillStyle = '#241a16'
    ellipse(c, 296, 168, 5, 6)
    ellipse(c, 344, 168, 5, 6)
    c.strokeStyle = '#7a3b34'
    c.lineWidth = 4
    c.beginPath()
    c.arc(320, 196, 22, 0.2 * Math.PI, 0.8 * Math.PI)
    c.stroke()
  }
  const screen = (c: CanvasRenderingContext2D) => {
    c.fillStyle = '#ffffff'
    c.fillRect(0, 0, 1280, 720)
    c.fillStyle = '#12343b'
    c.font = '600 44px system-ui, sans-serif'
    c.fillText('Third quarter', 80, 120)
    c.fillStyle = '#5b6b73'
    c.font = '26px system-ui, sans-serif'
    c.fillText('Calls a week, and how many of them were relayed', 80, 168)
    const weeks = [260, 300, 290, 340, 380, 372, 420, 452]
    weeks.forEach((height, week) => {
      c.fillStyle = '#cfe6e1'
      c.fillRect(96 + week * 140, 650 - height, 88, height)
      c.fillStyle = '#0b7d6e'
      c.fillRect(
        96 + week * 140,
        650 - height * (0.42 - week * 0.03),
        88,
        height * (0.42 - week * 0.03),
      )
    })
    c.fillStyle = `rgb(255 255 255 / ${Date.now() % 2 === 0 ? 1 : 0.99})`
    c.fillRect(0, 0, 4, 4)
  }
  const silence = (stream: MediaStream, track: MediaStreamTrack) => {
    const context = new AudioContext()
    stream.removeTrack(track)
    track.stop()
    for (const silent of context.createMediaStreamDestination().stream.getAudioTracks())
      stream.addTrack(silent)
  }
  const devices = navigator.mediaDevices
  const original = devices.getUserMedia.bind(devices)
  devices.getUserMedia = async (wanted) => {
    const stream = await original(wanted)
    // One of them speaks.
    if (index !== 1) for (const track of stream.getAudioTracks()) silence(stream, track)
    for (const track of stream.getVideoTracks()) {
      track.stop()
      stream.removeTrack(track)
      for (const painted of canvas(640, 360, person).getVideoTracks()) stream.addTrack(painted)
    }
    return stream
  }
  devices.getDisplayMedia = async () => canvas(1280, 720, screen)
}
