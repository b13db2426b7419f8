import i18next from 'i18next'
import { Component, type ReactNode } from 'react'

type BoundaryProps = { children: ReactNode; onBroken(): void }

/** The last resort: a fault in drawing becomes a page that says what to do. */
export class Boundary extends Component<BoundaryProps, { broken: boolean }> {
  override state = { broken: false }

  static getDerivedStateFromError() {
    return { broken: true }
  }

  override componentDidCatch() {
    this.props.onBroken()
  }

  override render() {
    if (!this.state.broken) return this.props.children
    return (
      <main className="message-page" role="alert">
        <h1>{i18next.t('app.broken.title')}</h1>
        <p>{i18next.t('app.broken.fix')}</p>
        <button type="button" className="button primary" onClick={() => location.reload()}>
          {i18next.t('app.broken.reload')}
        </button>
      </main>
    )
  }
}
