import type { Argument, Command, Option } from 'commander'

/** Something that could be typed next. */
export interface Candidate {
  value: string
  description?: string
}

/** What to offer, and whether files are to be offered too. */
export interface Completion {
  candidates: Candidate[]
  files: boolean
}

/** Names that only the cluster knows. An empty list where it cannot be asked. */
export interface Names {
  meetingClusters(namespace: string | undefined): Promise<string[]>
  namespaces(): Promise<string[]>
  nodes(): Promise<string[]>
  mediaPods(namespace: string | undefined): Promise<string[]>
}

/**
 * What can follow on a command line, read from the commands as they are defined.
 * @param words all words after the program's name; the last is the one being typed, perhaps empty
 */
export async function complete(
  program: Command,
  words: readonly string[],
  names: Names,
): Promise<Completion> {
  const { before, typed } = joined(words)
  const line = readLine(program, before)
  const { command, waiting, given, args } = line
  const [, flag = '', value] = /^(--[^=]+)=(.*)$/.exec(typed) ?? []
  const inline = value === undefined ? undefined : optionNamed(command, flag)
  if (inline) {
    const { candidates, files } = await valuesOf(inline, names)
    const whole = candidates.map((each) => ({ ...each, value: `${flag}=${each.value}` }))
    return only(typed, whole, files)
  }
  if (waiting) {
    const { candidates, files } = await valuesOf(waiting, names)
    return only(typed, candidates, files)
  }
  if (typed.startsWith('-')) return only(typed, optionsOf(command, given), false)
  if (command.commands.length > 0)
    return only(typed, args.length === 0 ? subcommandsOf(command) : [], false)
  const argument = command.registeredArguments[args.length]
  if (!argument) return { candidates: [], files: false }
  return only(typed, await argumentValues(argument, line, names), false)
}

/** Bash takes `--option=value` apart into three words; its third is the one that it completes. */
function joined(words: readonly string[]): { before: string[]; typed: string } {
  const isEquals = (word: string | undefined, index: number) =>
    word === '=' && (words[index - 1] ?? '').startsWith('--')
  const last = words.length - 1
  return {
    before: words.slice(0, -1).filter((word, index) => !isEquals(word, index)),
    typed: isEquals(words[last], last) ? '' : (words[last] ?? ''),
  }
}

interface Line {
  command: Command
  /** An option whose value comes next. */
  waiting: Option | undefined
  /** Options that are given, with their values. */
  given: Map<string, string | undefined>
  args: string[]
}

function readLine(program: Command, words: readonly string[]): Line {
  const line: Line = { command: program, waiting: undefined, given: new Map(), args: [] }
  for (const word of words) {
    if (line.waiting) {
      line.given.set(line.waiting.attributeName(), word)
      line.waiting = undefined
      continue
    }
    if (word.startsWith('-') && word !== '-') {
      const [flag = '', value] = word.split('=')
      const option = optionNamed(line.command, flag)
      if (!option) continue
      line.given.set(option.attributeName(), value)
      if (takesValue(option) && value === undefined) line.waiting = option
      continue
    }
    const child = line.command.commands.find((each) => each.name() === word)
    if (child) {
      line.command = child
      line.args = []
    } else line.args.push(word)
  }
  return line
}

function optionNamed(command: Command, flag: string): Option | undefined {
  return command.options.find(({ short, long }) => short === flag || long === flag)
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional
}

function optionsOf(command: Command, given: ReadonlyMap<string, unknown>): Candidate[] {
  const options = command.options
    .filter((option) => !option.hidden && !given.has(option.attributeName()))
    .map(({ long, short, description }) => ({ value: long ?? short ?? '', description }))
  return [...options, { value: '--help', description: 'show help' }]
}

function subcommandsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((child) => ({ value: child.name(), description: child.description() }))
}

async function valuesOf(option: Option, names: Names): Promise<Completion> {
  const values = (list: readonly string[]) => ({ candidates: plain(list), files: false })
  const { long = '', flags, argChoices } = option
  if (argChoices) return values(argChoices)
  if (/--(.*-)?namespace$/.test(long)) return values(await names.namespaces())
  if (long === '--node') return values(await names.nodes())
  if (long === '--cluster') return values(await names.meetingClusters(undefined))
  return { candidates: [], files: /<file/.test(flags) }
}

async function argumentValues(argument: Argument, line: Line, names: Names): Promise<Candidate[]> {
  if (argument.argChoices) return plain(argument.argChoices)
  const namespace = line.given.get('namespace')
  switch (argument.name()) {
    case 'name':
      return plain((await names.meetingClusters(namespace)).map((each) => each.split('/')[1] ?? ''))
    case 'pod':
      return plain(await names.mediaPods(namespace))
    default:
      return []
  }
}

function plain(values: readonly string[]): Candidate[] {
  return [...new Set(values)].sort().map((value) => ({ value }))
}

function only(typed: string, candidates: readonly Candidate[], files: boolean): Completion {
  return { candidates: candidates.filter(({ value }) => value.startsWith(typed)), files }
}

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/**
 * The script that makes a shell ask `parley __complete` what can follow. Its answer is a candidate a line, perhaps with
 * a tab and a description, and at the end `:4`, or `:0` where files are to be offered too – as kubectl expects it.
 */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell]
}

const bash = `# parley completion for bash:  source <(parley completion bash)
_parley() {
  local answer line
  answer=$("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :0) compopt -o default ;;
      :*) ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done <<< "$answer"
}
complete -F _parley parley
`

const zsh = `#compdef parley
# parley completion for zsh:  source <(parley completion zsh)
_parley() {
  local -a candidates
  local line files=
  while IFS= read -r line; do
    case $line in
      :0) files=1 ;;
      :*) ;;
      *) line=\${line//:/\\\\:}; candidates+=("\${line/$'\\t'/:}") ;;
    esac
  done < <("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#candidates} )) && _describe -V parley candidates
  [[ -n $files ]] && _files
}
# As a file in $fpath it is the function itself, on its first call.
if [[ $funcstack[1] == _parley ]]; then _parley; else compdef _parley parley; fi
`

const fish = `# parley completion for fish:  parley completion fish | source
function __parley_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (command $words[1] __complete $words[2..-1] 2>/dev/null)
        switch $line
            case ':0'
                __fish_complete_path (commandline -ct)
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c parley -f -a '(__parley_complete)'
`
