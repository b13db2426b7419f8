import { describe, expect, it } from '@jest/globals'
import { roomLinkOf, routeOf } from './route.ts'

describe('routes', () => {
  it.each([
    ['/', { page: 'landing' }],
    ['/r/standup', { page: 'room', room: 'standup' }],
    ['/r/standup/', { page: 'room', room: 'standup' }],
    ['/r/a%20b', { page: 'bad-room' }],
    ['/r/%', { page: 'bad-room' }],
    ['/r/', { page: 'bad-room' }],
    ['/admin', { page: 'admin' }],
    ['/administrator', { page: 'not-found' }],
    ['/else', { page: 'not-found' }],
  ])('%s', (path, route) => {
    expect(routeOf(path)).toEqual(route)
  })

  it('reads what a link asks for', () => {
    expect(roomLinkOf('?name=%20Ana%20&autojoin=1&relay=1')).toEqual({
      name: 'Ana',
      autojoin: true,
      relayForced: true,
    })
    expect(roomLinkOf('?name=%20&relay=0')).toEqual({
      name: undefined,
      autojoin: false,
      relayForced: false,
    })
  })
})
