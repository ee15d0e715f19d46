// Writes the reference of docs/command-line.md: the help of every command of tal, as it prints it.
//   npm run build && node scripts/write-command-line.mjs [--check]
// With --check it writes nothing, and fails where the file differs from what the commands print.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = `${root}docs/command-line.md`;
const marker =
  '<!-- Written by scripts/write-command-line.mjs: what follows is the help of each command. -->\n';

/** What `tal NAMES --help` prints, with paths of the package as they are in a checkout. */
async function help(names) {
  const args = [`${root}dist/src/cli/main.js`, ...names, '--help'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout.replaceAll(root, '').trimEnd();
}

/** The names of the commands that a help lists. */
function commandsOf(text) {
  const list = /\nCommands:\n([\s\S]*)$/.exec(text)?.[1] ?? '';
  return [...list.matchAll(/^ {2}([a-z]+)(?= |$)/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== 'help');
}

/** A section for a command, and those of its own commands after it. */
async function sections(names) {
  const text = await help(names);
  const title = ['tal', ...names].join(' ');
  const own = await Promise.all(commandsOf(text).map((name) => sections([...names, name])));
  return [`### ${title}\n\n\`\`\`text\n${text}\n\`\`\`\n`, ...own.flat()];
}

/** Where lines break depends on the length of the checkout's path, which stands in defaults. */
const words = (text) => text.replaceAll(/\s+/g, ' ');

const current = readFileSync(file, 'utf8');
const end = current.indexOf(marker);
if (end < 0) throw new Error(`${file} has no line ${marker}`);
const wanted = `${current.slice(0, end)}${marker}\n${(await sections([])).join('\n')}`;
if (!process.argv.includes('--check')) writeFileSync(file, wanted);
else if (words(wanted) !== words(current)) {
  console.error('docs/command-line.md differs from the help of tal: run node scripts/write-command-line.mjs');
  process.exitCode = 1;
}
