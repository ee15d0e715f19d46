import { readFileSync } from 'node:fs';

/** A name of a declaration file, as `url` and `name`. */
export interface Declared {
  readonly url: string;
  readonly name: string;
}

interface File {
  /** Where a name that is imported comes from. */
  readonly imports: ReadonlyMap<string, Declared>;
  /** The text of what declares a name; overloads are joined. */
  readonly declarations: ReadonlyMap<string, string>;
  /** Those of them that are types. */
  readonly types: ReadonlySet<string>;
  /** Where an exported name is declared. */
  readonly exports: ReadonlyMap<string, Declared>;
}

const files = new Map<string, File>();

/** Comments and texts say nothing of types, but the path of an `import("…")` does. */
const withoutComments = (text: string) =>
  text.replace(
    /\/\*[\s\S]*?\*\/|\/\/.*|(from\s*|import\()?(["'`])(?:\\.|(?!\2).)*\2/g,
    (whole, path: string | undefined) => (path === undefined ? ' ' : whole),
  );

/** The statements of a declaration file: each ends where all braces are closed, at a semicolon or a brace. */
function statementsOf(text: string): string[] {
  const statements: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if ('{(['.includes(text[at]!)) depth++;
    if ('})]'.includes(text[at]!)) depth--;
    const next = /^\s*(export|declare|import|type|interface|$)/.test(text.slice(at + 1, at + 200));
    if (
      depth === 0 &&
      (text[at] === ';' || (text[at] === '}' && next && !/^\s*from\b/.test(text.slice(at + 1, at + 20))))
    ) {
      statements.push(text.slice(start, at + 1).trim());
      start = at + 1;
    }
  }
  return statements.filter((statement) => statement !== '');
}

/** `A, type B as C` as pairs of the name there and the name here. */
const names = (list: string): [there: string, here: string][] =>
  list
    .split(',')
    .map((item) => item.trim().replace(/^type /, ''))
    .filter((item) => item !== '')
    .map((item) => {
      const [there, here = there] = item.split(/ as /);
      return [there!, here!];
    });

const resolved = (path: string, url: string) => new URL(path.replace(/\.js$/, '.d.ts'), url).href;

function load(url: string): File {
  const known = files.get(url);
  if (known) return known;
  const imports = new Map<string, Declared>();
  const declarations = new Map<string, string>();
  const types = new Set<string>();
  const exports = new Map<string, Declared>();
  files.set(url, { imports, declarations, types, exports });
  for (const statement of statementsOf(withoutComments(readFileSync(new URL(url), 'utf8')))) {
    const [, keyword, list, path] =
      /^(import|export)(?: type)?\s*(\{[^}]*\}|\*)\s*from\s*["']([^"']+)["']/.exec(statement) ?? [];
    if (keyword !== undefined) {
      const from = resolved(path!, url);
      if (list === '*') for (const [name, declared] of load(from).exports) exports.set(name, declared);
      else {
        for (const [there, here] of names(list!.slice(1, -1))) {
          if (keyword === 'import') imports.set(here, { url: from, name: there });
          else exports.set(here, load(from).exports.get(there) ?? { url: from, name: there });
        }
      }
      continue;
    }
    const [, exported, kind, name] =
      /^(export )?(?:declare )?(?:abstract )?(class|interface|type|enum|function|const)\s+([\w$]+)/.exec(
        statement,
      ) ?? [];
    if (name === undefined) continue;
    if (kind !== 'function' && kind !== 'const') types.add(name);
    declarations.set(name, `${declarations.get(name) ?? ''}${statement}`);
    if (exported) exports.set(name, { url, name });
  }
  return files.get(url)!;
}

/** What a declaration file exports, by name. */
export const exportsOf = (url: URL): ReadonlyMap<string, Declared> => load(url.href).exports;

/** Every type of the package that the declaration of a name mentions, without private members. */
export function mentionedBy({ url, name }: Declared): Declared[] {
  const { imports, declarations } = load(url);
  const text = (declarations.get(name) ?? '').replace(/\bprivate [^;]*;/g, '');
  const mentioned: Declared[] = [];
  for (const [, path, there] of text.matchAll(/\bimport\("([^"]+)"\)\.(\w+)/g)) {
    if (path!.startsWith('.')) mentioned.push({ url: resolved(path!, url), name: there! });
  }
  // A name before a colon is that of a field or a parameter, one after a dot that of a member.
  const bare = text.replace(/\bimport\("[^"]+"\)\.\w+/g, ' ');
  for (const [identifier] of bare.matchAll(/(?<![.\w$])[A-Za-z_$][\w$]*(?!\s*\??\s*:|[\w$])/g)) {
    if (identifier === name) continue;
    const imported = imports.get(identifier);
    if (imported) mentioned.push(load(imported.url).exports.get(imported.name) ?? imported);
    else if (declarations.has(identifier)) mentioned.push({ url, name: identifier });
  }
  return mentioned.filter((declared) => load(declared.url).types.has(declared.name));
}
