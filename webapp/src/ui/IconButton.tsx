import type { ReactNode } from 'react'
import { Button, type ButtonProps, Tooltip, TooltipTrigger } from 'react-aria-components'

type Props = Omit<ButtonProps, 'children' | 'className'> & {
  label: string
  /** Shown in the tooltip instead of the label, where there is more to say (a key, say). */
  hint?: string
  className?: string
  children: ReactNode
}

/** A button that shows only an icon: named for screen readers, explained by a tooltip. */
export function IconButton({ label, hint, className = '', children, ...props }: Props) {
  return (
    <TooltipTrigger delay={400} closeDelay={80}>
      <Button {...props} aria-label={label} className={`icon-button ${className}`}>
        {children}
      </Button>
      <Tooltip className="tooltip" offset={8}>
        {hint ?? label}
      </Tooltip>
    </TooltipTrigger>
  )
}
