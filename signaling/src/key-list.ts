/**
 * Secrets as files hold them: one a line, the newest first. The first is used for what is made
 * new; all are accepted, so that a rotation breaks nothing that is still valid.
 *
 * @throws when no line holds a secret
 */
export function parseKeyList(text: string): [string, ...string[]] {
  const [first, ...rest] = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (first === undefined) throw new Error('holds no secret; write at least one line')
  return [first, ...rest]
}
