import { expect, it } from '@jest/globals'
import { isAhead, opened } from './ahead.ts'

it('REQ-W5: a page that is run ahead waits until it is opened', async () => {
  const page = Object.assign(new EventTarget(), { prerendering: true })
  expect([isAhead(page), isAhead(new EventTarget())]).toEqual([true, false])
  let begun = false
  const waited = opened(page).then(() => {
    begun = true
  })
  await new Promise(setImmediate)
  expect(begun).toBe(false)
  page.prerendering = false
  page.dispatchEvent(new Event('prerenderingchange'))
  await waited
  expect([begun, isAhead(page)]).toEqual([true, false])
})
