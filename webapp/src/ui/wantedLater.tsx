import { Component, type ComponentType, lazy, type ReactNode, Suspense } from 'react'

/**
 * A dialog whose code is loaded when it is first wanted. Where that fails, as while the server is away, it is closed
 * and the rest of the page, a call above all, goes on; when it is wanted again, so is its code.
 */
export function wantedLater<Props extends { onClose: () => void }>(
  load: () => Promise<{ default: ComponentType<Props> }>,
): ComponentType<Props> {
  let Loaded = lazy(load)
  return (props) => (
    <Part
      onFault={() => {
        Loaded = lazy(load)
        props.onClose()
      }}
    >
      <Suspense>
        <Loaded {...props} />
      </Suspense>
    </Part>
  )
}

/** What fails in it takes nothing else along. The page's root tells of it (`onCaughtError`). */
class Part extends Component<{ children: ReactNode; onFault: () => void }, { broken: boolean }> {
  override state = { broken: false }

  static getDerivedStateFromError() {
    return { broken: true }
  }

  override componentDidCatch() {
    this.props.onFault()
  }

  override render() {
    return this.state.broken ? null : this.props.children
  }
}
