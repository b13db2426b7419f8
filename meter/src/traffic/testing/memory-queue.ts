import type { TrafficQueue } from '../queue.ts'

/** The queue as it is in Redis, in this process. */
export function memoryQueue() {
  const buffer: string[] = []
  const pending: string[] = []
  const live = new Map<number, Record<string, string>>()
  const confirmed = new Map<string, number>()
  const queue: TrafficQueue = {
    async take(entries) {
      const taken = buffer.splice(0, entries)
      pending.push(...taken)
      return taken
    },
    pending: async (entries) => pending.slice(0, entries),
    async drop(entries) {
      if (pending[0] === entries[0]) pending.splice(0, entries.length)
    },
    lengths: async () => ({ buffer: buffer.length, pending: pending.length }),
    async confirm(last) {
      for (const [source, seq] of last) confirmed.set(source, seq)
    },
    async addLive(minutes) {
      for (const [minute, fields] of minutes) {
        const hash = live.get(minute) ?? {}
        for (const [field, by] of fields) hash[field] = String(Number(hash[field] ?? 0) + by)
        live.set(minute, hash)
      }
    },
    live: async (minutes) => new Map(minutes.map((minute) => [minute, live.get(minute) ?? {}])),
  }
  return { queue, buffer, pending, confirmed }
}
