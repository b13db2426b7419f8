import { KIND, type MeetingCluster, parseMeetingCluster } from '@parley/operator/api'
import { parseAllDocuments } from 'yaml'
import { messageOf, UsageError } from './errors.ts'
import { readTextFile } from './input.ts'

/**
 * Every MeetingCluster of a YAML file, or of standard input for `-`; other kinds in it are passed over.
 * @throws UsageError where it has none or is no YAML
 */
export async function meetingClusters(file: string): Promise<MeetingCluster[]> {
  const documents = parseAllDocuments(await readTextFile(file))
  const found = documents.map(readDocument(file)).filter((value) => value?.kind === KIND)
  if (found.length === 0) throw new UsageError(`${file} has no ${KIND}`)
  return found.map(parseMeetingCluster)
}

function readDocument(file: string) {
  return (document: ReturnType<typeof parseAllDocuments>[number]) => {
    const notYaml = (reason: string) =>
      new UsageError(`${file} is not YAML: ${reason.split(/:?\n/, 1)[0]}`)
    const fault = document.errors[0] ?? document.warnings[0]
    if (fault) throw notYaml(fault.message)
    try {
      return document.toJS() as { kind?: string } | null
    } catch (error) {
      // Aliases that name no anchor, or that multiply without end.
      throw notYaml(messageOf(error))
    }
  }
}
