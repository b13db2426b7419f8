import { isAhead } from './app/ahead.ts'
import { ownArrival } from './features/call/arrival.ts'
import { askEarly, earlyRequest } from './features/call/earlyJoin.ts'
import { openSocketAhead } from './features/connection/earlySocket.ts'

/**
 * Runs before anything else is there, also styles: whoever joins without a lobby is asked for at once, and the
 * connection for it is made, while the page's modules are still read. It is built by itself, as a script and no module,
 * which would wait for all of those.
 */
const { pathname, search, hash } = location
const request = earlyRequest({
  ...{ pathname, search, hash },
  by: ownArrival().by,
  storage: () => localStorage,
  tabStorage: () => sessionStorage,
  automated: navigator.webdriver,
})
if (request && !isAhead()) {
  // Until then there is something to be seen, or never.
  const { classList } = document.documentElement
  classList.add('joins')
  setTimeout(() => classList.remove('joins'), 10_000)
  askEarly(request)
  if ('WebSocket' in globalThis) openSocketAhead()
}
