import { ArrowDown, ArrowUp } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Button } from 'react-aria-components'
import type { Direction } from './boardViews.ts'

export type Sort<Column> = { column: Column; direction: Direction }

/** The order of a table: the same column again turns it round. */
export function useSort<Column extends string>(column: Column, direction: Direction) {
  const [sort, setSort] = useState<Sort<Column>>({ column, direction })
  const toggle = (next: Column) =>
    setSort((now) => ({
      column: next,
      direction: now.column === next && now.direction === 'descending' ? 'ascending' : 'descending',
    }))
  return { sort, toggle }
}

export function SortHead<Column extends string>(props: {
  column: Column
  sort: Sort<Column>
  onSort(column: Column): void
  children: ReactNode
}) {
  const { column, sort, onSort, children } = props
  const isSorted = sort.column === column
  const Arrow = sort.direction === 'ascending' ? ArrowUp : ArrowDown
  return (
    <th scope="col" aria-sort={isSorted ? sort.direction : 'none'}>
      <Button className="admin-sort" onPress={() => onSort(column)}>
        {children}
        {isSorted && <Arrow aria-hidden="true" />}
      </Button>
    </th>
  )
}
