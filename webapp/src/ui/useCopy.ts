import { useEffect, useState } from 'react'

/** @returns whether the text was copied in the last two seconds, and what copies it. */
export function useCopy(text: string): [copied: boolean, copy: () => void] {
  const [copiedAt, setCopiedAt] = useState(0)
  useEffect(() => {
    if (copiedAt === 0) return
    const timer = setTimeout(() => setCopiedAt(0), 2000)
    return () => clearTimeout(timer)
  }, [copiedAt])
  const copy = () => {
    void write(text).then((done) => done && setCopiedAt(Date.now()))
  }
  return [copiedAt !== 0, copy]
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // No clipboard API on http:// pages: the old way.
    const field = document.createElement('textarea')
    field.value = text
    field.className = 'visually-hidden'
    document.body.append(field)
    field.select()
    const done = document.execCommand('copy')
    field.remove()
    return done
  }
}
