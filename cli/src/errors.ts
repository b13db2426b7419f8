import { types } from 'node:util'

const { isNativeError } = types

/** The command was called wrongly: exit code 2. The message names the fix. */
export class UsageError extends Error {
  readonly code = 'USAGE'
}

/** What a person should read of an error: its message, and the fix where the system's is bare. */
export function messageOf(error: unknown): string {
  if (!isNativeError(error)) return String(error)
  const { code, path } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return path ? `there is no file ${path}` : error.message
    case 'EACCES':
      return path ? `${path} may not be read or written by this user` : error.message
    case 'EISDIR':
      return path ? `${path} is a folder; a file is needed` : error.message
    case 'ENOSPC':
      return 'the disk is full: free some space and run the command again'
    case 'EADDRINUSE':
      return `the port is in use by another process (${error.message})`
    case 'Unavailable':
      return `${error.message}; is the cluster up, and is the kubeconfig that of this cluster?`
    default:
      return error.message || error.name
  }
}
