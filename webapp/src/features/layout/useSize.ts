import { type RefObject, useLayoutEffect, useState } from 'react'

/** The inner size of an element in CSS pixels; 0 × 0 until it is laid out. */
export function useSize(element: RefObject<HTMLElement | null>) {
  const [size, setSize] = useState({ width: 0, height: 0 })
  useLayoutEffect(() => {
    if (!element.current) return
    // At once: the observer tells of it one picture later.
    const { clientWidth: width, clientHeight: height } = element.current
    setSize({ width, height })
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSize({ width: entry.contentRect.width, height: entry.contentRect.height })
    })
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [element])
  return size
}
