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
  storage: () => localStorage,
  tabStorage: () => sessionStorage,
  automated: navigator.webdriver,
})
if (request) {
  askEarly(request)
  if ('WebSocket' in globalThis) openSocketAhead()
}
