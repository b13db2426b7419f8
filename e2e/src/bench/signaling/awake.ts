/**
 * Keeps this process from sleeping while clients of it are at work. Who sleeps is woken by the server's answer, at the cost of
 * the server's processor time, and the slower the server, the more of its answers find somebody asleep. On a
 * network it is a network card that is written to, which sleeps for nobody.
 */
export async function awake<T>(work: () => Promise<T>): Promise<T> {
  let isOver = false
  const turn = () => {
    if (!isOver) setImmediate(turn)
  }
  turn()
  try {
    return await work()
  } finally {
    isOver = true
  }
}
