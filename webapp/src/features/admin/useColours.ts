import { useMemo, useSyncExternalStore } from 'react'
import { useAppState } from '../../ui/useAppState.ts'

const dark = matchMedia('(prefers-color-scheme: dark)')
const subscribe = (listener: () => void) => {
  dark.addEventListener('change', listener)
  return () => dark.removeEventListener('change', listener)
}

/** For what draws on a canvas: a custom property as a colour; another function once the page looks otherwise. */
export function useColours(): (property: string) => string {
  const theme = useAppState((state) => state.appearance.theme)
  const isDark = useSyncExternalStore(subscribe, () => dark.matches)
  // biome-ignore lint/correctness/useExhaustiveDependencies: what the colours are depends on both
  return useMemo(() => {
    const probe = document.createElement('span')
    return (property: string) => {
      // light-dark() is worked out for an element only.
      probe.style.color = `var(${property})`
      document.body.append(probe)
      const { color } = getComputedStyle(probe)
      probe.remove()
      return color
    }
  }, [theme, isDark])
}
