import { useEffect, useState } from 'react'
import { AdminRefusal } from './AdminSession.ts'
import { ownSession } from './ownAdmin.ts'

/**
 * What the server says again and again, for as long as this is drawn: the last answer, and why there is no newer one.
 *
 * @param ask stays the same function
 */
export function useAsked<T>(ask: (token: string) => Promise<T>, everyMs: number) {
  const [state, setState] = useState<{ data?: T; problem?: string }>({})
  useEffect(() => {
    let over = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const again = async () => {
      const next = await ask(ownSession.token).then(
        (data) => ({ data }),
        (error: unknown) => ({ problem: error instanceof AdminRefusal ? error.code : 'away' }),
      )
      if (over) return
      setState((before) => ('data' in next ? next : { ...before, ...next }))
      timer = setTimeout(again, everyMs)
    }
    void again()
    return () => {
      over = true
      clearTimeout(timer)
    }
  }, [ask, everyMs])
  return state
}
