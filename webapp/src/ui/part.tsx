import { type ComponentType, useEffect, useState } from 'react'
import { Loading } from './Loading.tsx'

type Part<Props> = ComponentType<Props> & {
  /** Has the code come ahead of the first drawing. Rejects where it does not; it is asked for again when drawn. */
  load(): Promise<void>
}

/**
 * A part of the page whose code comes when it is first drawn, or before. Not React's `lazy`: that draws something else
 * first, even where the code is there, and then the part no sooner than 0.3 s later.
 */
export function part<Props extends object>(
  get: () => Promise<{ default: ComponentType<Props> }>,
): Part<Props> {
  const code: Code<Props> = {
    component: undefined,
    async load() {
      code.component ??= (await get()).default
    },
  }
  return Object.assign((props: Props) => <Shown code={code} props={props} />, { load: code.load })
}

type Code<Props> = { component: ComponentType<Props> | undefined; load(): Promise<void> }

function Shown<Props extends object>({ code, props }: { code: Code<Props>; props: Props }) {
  const [fault, setFault] = useState<{ error: unknown }>()
  const [there, setThere] = useState(code.component !== undefined)
  useEffect(() => {
    if (there) return
    code.load().then(
      () => setThere(true),
      (error) => setFault({ error }),
    )
  }, [there, code])
  if (fault) throw fault.error
  const Loaded = code.component
  return Loaded ? <Loaded {...props} /> : <Loading />
}
