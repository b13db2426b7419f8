import { expect, it } from '@jest/globals'
import { Boundary } from './Boundary.tsx'

it('REQ-W1: a page that cannot be drawn says so once to whoever keeps a call for it', () => {
  let broken = 0
  const boundary = new Boundary({ children: 'page', onBroken: () => broken++ })
  expect(boundary.render()).toBe('page')
  expect(broken).toBe(0)
  // As React does with what a part of the page throws.
  boundary.state = Boundary.getDerivedStateFromError()
  boundary.componentDidCatch()
  expect(broken).toBe(1)
  expect(boundary.render()).not.toBe('page')
})
