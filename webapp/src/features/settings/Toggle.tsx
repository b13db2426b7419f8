import { Switch } from 'react-aria-components'

type Props = { label: string; hint?: string; value: boolean; onChange: (on: boolean) => void }

/** A switch with its name beside it. */
export function Toggle({ label, hint, value, onChange }: Props) {
  return (
    <Switch className="toggle" isSelected={value} onChange={onChange}>
      <span className="toggle-text">
        {label}
        {hint && <small>{hint}</small>}
      </span>
      <span className="toggle-track" aria-hidden="true" />
    </Switch>
  )
}
