// Checks the links of all Markdown files of the repository: relative targets exist, and anchors are headings of their target.
// A folder of built pages (dist-docs) is checked too where it is given.
//   node scripts/check-links.mjs [folder of HTML]
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const external = /^[a-z][a-z+.-]*:|^\/\//i;

/** The text without code: what stands in it is no link and no heading. */
const withoutCode = (text) =>
  text
    .replaceAll(/^(```|~~~)[\s\S]*?^\1.*$/gm, '')
    .replaceAll(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, (code) => code.replaceAll(/[[\]()<>]/g, ''));

/** The anchor of a heading, as GitHub and typedoc make it. */
const slug = (heading) =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');

/** Links and anchors of a Markdown file. */
function readMarkdown(path) {
  const text = withoutCode(readFileSync(path, 'utf8'));
  const anchors = new Set();
  for (const [, heading] of text.matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)) {
    const name = slug(heading);
    let anchor = name;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${name}-${i}`;
    anchors.add(anchor);
  }
  const inline = [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const references = [...text.matchAll(/^\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/gm)];
  return { links: [...inline, ...references].map(([, link]) => link), anchors };
}

/** Links and anchors of a page. */
function readPage(path) {
  const text = readFileSync(path, 'utf8').replaceAll(/<(script|style|pre)\b[\s\S]*?<\/\1>/g, '');
  const anchors = new Set([...text.matchAll(/\s(?:id|name)="([^"]*)"/g)].map(([, id]) => id));
  const links = [...text.matchAll(/<(?:a|img|link)\b[^>]*?\s(?:href|src)="([^"]*)"/g)];
  return { links: links.map(([, link]) => link.replaceAll('&amp;', '&')), anchors };
}

const files = new Map();

function read(path) {
  if (!files.has(path)) files.set(path, path.endsWith('.html') ? readPage(path) : readMarkdown(path));
  return files.get(path);
}

/** Why a link of a file leads nowhere; undefined where it is right. */
function broken(path, link) {
  if (external.test(link)) return undefined;
  const [target, anchor] = link.split('#').map(decodeURIComponent);
  const file = target === '' ? path : resolve(dirname(path), target.split('?')[0]);
  if (!existsSync(file)) return 'no such file';
  if (relative(root, file).startsWith('..')) return 'outside of the repository';
  if (!anchor || statSync(file).isDirectory() || !/\.(md|html)$/.test(file)) return undefined;
  return read(file).anchors.has(anchor) ? undefined : 'no such heading';
}

const markdown = execFileSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'],
  { cwd: root, encoding: 'utf8' },
)
  .split('\0')
  .filter((name) => name !== '' && existsSync(join(root, name)))
  .map((name) => join(root, name));
const folder = process.argv[2];
const pages =
  folder === undefined
    ? []
    : readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.html'));

let count = 0;
for (const path of [...markdown, ...pages.map((name) => resolve(folder, name))]) {
  for (const link of read(path).links) {
    count++;
    const why = broken(path, link);
    if (why === undefined) continue;
    console.error(`${relative(root, path)}: ${link}: ${why}`);
    process.exitCode = 1;
  }
}
console.log(`${count} links of ${markdown.length} Markdown files and ${pages.length} pages checked`);
