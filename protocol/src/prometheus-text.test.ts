import { expect, it } from '@jest/globals'
import { sumsOf } from './prometheus-text.ts'

const text = `
# HELP livekit_room_total rooms
# TYPE livekit_room_total gauge
livekit_room_total{node_id="ND_a",node_type="SERVER"} 3
livekit_track_published_total{kind="AUDIO",odd="}{ \\" 9"} 4
livekit_track_published_total{kind="VIDEO"} 2.5 1790000000000
livekit_track_published_total_other 100
sockets 7
empty{} 1e3
broken NaN
`

it('sums the series of a metric, whatever its labels hold', () => {
  expect(sumsOf(text, ['livekit_track_published_total', 'livekit_room_total', 'sockets'])).toEqual({
    livekit_track_published_total: 6.5,
    livekit_room_total: 3,
    sockets: 7,
  })
  expect(sumsOf(text, ['empty'])).toEqual({ empty: 1000 })
})

it('leaves out what is not there, and what is no number', () => {
  expect(sumsOf(text, ['livekit', 'broken'])).toEqual({})
})
