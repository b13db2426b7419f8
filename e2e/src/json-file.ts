import { appendFile } from 'node:fs/promises'

/** Ends the program with exit code 2 where the file of `--json` cannot be written: now, not after all the work. */
export async function requireWritable(file: string): Promise<void> {
  await appendFile(file, '').catch(({ code }: NodeJS.ErrnoException) => {
    console.error(
      `error: --json ${file} cannot be written (${code}); name a file in a folder of yours`,
    )
    process.exit(2)
  })
}
