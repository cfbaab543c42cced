import { type Command, Option } from 'commander';
import { SCHEDULE_KINDS } from '../client/schedules.js';
import { STREAM_WORDS, unknownWord } from './typed.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** What the argument of a command may be. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  pause: STREAM_WORDS,
  resume: STREAM_WORDS,
  now: STREAM_WORDS,
  'schedule create': SCHEDULE_KINDS,
  completion: SHELLS,
};

/** A command with what may follow it. */
interface Words {
  /** The commands that lead to it, like `oneoff transaction`; empty for the program itself. */
  path: string;
  /** What may be typed next, with what it means. */
  next: { word: string; about: string }[];
}

/** `completion SHELL`: the script with which a shell completes commands and flags. @throws UsageError */
export function completionScript(program: Command, shell: string): string {
  const all = wordsOf(program, '');
  switch (shell) {
    case 'bash':
      return bashScript(program.name(), all);
    case 'zsh':
      return zshScript(program.name(), all);
    case 'fish':
      return fishScript(program.name(), all);
    default:
      throw unknownWord('shell', shell, SHELLS);
  }
}

/** The words after a command and after each of its subcommands. A subcommand takes the flags of its parent, too. */
function wordsOf(command: Command, path: string, above: readonly Option[] = []): Words[] {
  const visible = command.options.filter(({ hidden }) => !hidden);
  const options = [...visible, ...above];
  const help = new Option('--help', 'display help for command');
  const commands = command.commands.filter((one) => one.name() !== 'help');
  const next = [
    ...commands.map((one) => ({ word: one.name(), about: one.description() })),
    ...(ARGUMENTS[path] ?? []).map((word) => ({ word, about: '' })),
    ...[...options, help].map(({ long, description }) => ({ word: long!, about: description })),
  ];
  const below = commands.flatMap((one) =>
    wordsOf(one, `${path} ${one.name()}`.trim(), path === '' ? [] : options),
  );
  return [{ path, next }, ...below];
}

/** A comment of each script: shells complete a command by its first word, and that of `npx` is not ours. */
function aboutNpx(name: string, shell: string): string {
  const make =
    shell === 'fish'
      ? `function ${name}; npx ${name} $argv; end`
      : `${name}() { npx ${name} "$@"; }`;
  return `# In a checkout, where the command is "npx ${name}", make a command of this name first: "npm link",
# or this function, which works in the folder of the checkout: ${make}`;
}

/** A word in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Cuts a description to one short line. */
function brief(about: string): string {
  return about
    .split('\n')[0]!
    .replaceAll(/[:[\]\\]/g, ' ')
    .slice(0, 80);
}

const PATH_OF = `local path= word next=0
  for word in "\${words[@]:1:$((current - 1))}"; do
    case " $commands " in *" \${path:+$path/}$word "*) path="\${path:+$path/}$word" ;; esac
  done`;

/** What bash and zsh share: which command the line names so far. */
function pathsOf(all: readonly Words[]): string {
  return all
    .map(({ path }) => path.replaceAll(' ', '/'))
    .filter(Boolean)
    .join(' ');
}

function bashScript(name: string, all: readonly Words[]): string {
  const cases = all.map(({ path, next }) => {
    const words = next.map(({ word }) => word).join(' ');
    return `    ${quoted(path.replaceAll(' ', '/'))}) next=${quoted(words)} ;;`;
  });
  return `# Completion of ${name} for bash. To use it: source <(${name} completion bash)
${aboutNpx(name, 'bash')}
_aptos_backup() {
  local commands=${quoted(pathsOf(all))}
  local words=("\${COMP_WORDS[@]}") current=$COMP_CWORD
  ${PATH_OF}
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _aptos_backup ${name}
`;
}

function zshScript(name: string, all: readonly Words[]): string {
  const cases = all.map(({ path, next }) => {
    const words = next.map(({ word, about }) => quoted(`${word}:${brief(about)}`)).join(' ');
    return `    ${quoted(path.replaceAll(' ', '/'))}) next=(${words}) ;;`;
  });
  return `#compdef ${name}
# Completion of ${name} for zsh. To use it: source <(${name} completion zsh)
${aboutNpx(name, 'zsh')}
_aptos_backup() {
  local commands=${quoted(pathsOf(all))} found= word
  local -a next
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case " $commands " in *" \${found:+$found/}$word "*) found="\${found:+$found/}$word" ;; esac
  done
  case "$found" in
${cases.join('\n')}
  esac
  _describe 'command or flag' next || _files
}
# A file of fpath is the function of its name, which the first Tab calls.
case "$funcstack[1]" in _aptos[-_]backup) _aptos_backup "$@" ;; *) compdef _aptos_backup ${name} ;; esac
`;
}

function fishScript(name: string, all: readonly Words[]): string {
  const lines = all.flatMap(({ path, next }) =>
    next.map(({ word, about }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      const when = quoted(`__aptos_backup_at ${quoted(path)}`);
      return `complete -c ${name} -n ${when} ${what} -d ${quoted(brief(about))}`;
    }),
  );
  const paths = all.flatMap(({ path }) => (path === '' ? [] : [quoted(path)]));
  return `# Completion of ${name} for fish. To use it: ${name} completion fish | source
${aboutNpx(name, 'fish')}
function __aptos_backup_at
  set -l commands ${paths.join(' ')}
  set -l found ''
  for word in (commandline -opc)[2..-1]
    set -l longer (string trim -- "$found $word")
    contains -- $longer $commands; and set found $longer
  end
  test "$found" = "$argv[1]"
end
${lines.join('\n')}
`;
}
