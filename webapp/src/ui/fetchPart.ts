const fetched = new Set<string>()

/**
 * Has the browser fetch a part of the code that the page names (`vite.config.ts`), to be run later; once. It is fetched as a
 * script, and not as the modules that it is: those are read as they come, and of what it reads that way Chromium keeps nothing
 * compiled, for the next time that somebody opens the page.
 */
export function fetchPart(name: 'call' | 'sfu', priority: 'low' | 'auto' = 'auto'): void {
  if (fetched.has(name)) return
  fetched.add(name)
  const how = { rel: 'preload', as: 'script', fetchPriority: priority, crossOrigin: '' }
  for (const { href } of document.querySelectorAll<HTMLLinkElement>(`link[rel=x-${name}]`))
    document.head.append(Object.assign(document.createElement('link'), { href, ...how }))
}
