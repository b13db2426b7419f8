import type { LucideIcon } from 'lucide-react'
import { MenuItem } from 'react-aria-components'

type Props = { icon: LucideIcon; text: string; danger?: boolean; onAction: () => void }

/** An entry of a menu that does something. */
export function MenuAction({ icon: Icon, text, danger = false, onAction }: Props) {
  return (
    <MenuItem
      className={danger ? 'menu-item danger' : 'menu-item'}
      textValue={text}
      onAction={onAction}
    >
      <Icon aria-hidden="true" />
      <span>{text}</span>
    </MenuItem>
  )
}
