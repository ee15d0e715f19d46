import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';

/** What a file of a made-up folder holds: text or bytes as they are, lines of JSON from a list of them, else JSON. */
export type Content = string | Uint8Array | object;

/** A function that makes folders of files; all of them are deleted after the tests. */
export function madeFolders(name: string): (files: Readonly<Record<string, Content>>) => string {
  const root = mkdtempSync(join(tmpdir(), `${name}-`));
  after(() => rmSync(root, { recursive: true }));
  let made = 0;
  return (files) => {
    const folder = join(root, `folder-${made++}`);
    mkdirSync(folder);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), contentOf(path, content));
    }
    return folder;
  };
}

export function contentOf(path: string, content: Content): string | Uint8Array {
  if (typeof content === 'string' || content instanceof Uint8Array) return content;
  if (path.endsWith('.jsonl'))
    return (content as object[]).map((line) => `${JSON.stringify(line)}\n`).join('');
  return JSON.stringify(content);
}
