import type { Role } from '@parley/protocol'

/** What the list orders people by. */
export type Listed = {
  id: string
  name: string
  handAt: number | undefined
  role: Role
  self: boolean
}

/** The list has a search when it is longer than a screen. */
export const searchFrom = 11

const rank: Record<Role, number> = { admin: 0, host: 0, member: 1, guest: 1 }

/**
 * Raised hands first, in the order in which they went up; then oneself, hosts, and everybody else by name.
 *
 * @param search part of a name, whatever its case and accents; all where it is empty
 */
export function peopleList<T extends Listed>(
  people: readonly T[],
  search: string,
  locale?: string,
): T[] {
  const wanted = folded(search.trim())
  const byName = new Intl.Collator(locale, { sensitivity: 'base', numeric: true })
  return people
    .filter(({ name }) => folded(name).includes(wanted))
    .sort(
      (a, b) =>
        (a.handAt ?? Number.POSITIVE_INFINITY) - (b.handAt ?? Number.POSITIVE_INFINITY) ||
        Number(b.self) - Number(a.self) ||
        rank[a.role] - rank[b.role] ||
        byName.compare(a.name, b.name) ||
        (a.id < b.id ? -1 : 1),
    )
}

function folded(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replaceAll('đ', 'd')
    .replaceAll('Đ', 'D')
    .toLowerCase()
}
