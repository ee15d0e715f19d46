import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Bytes of a page with attention, minified: more than that means that it brings along what it does not use. */
const mostBytes = 150_000;

/** A page of two lines, by each way to import attention. */
const pages = ['tal-webgpu', 'tal-webgpu/ops'].map(
  (home) => `import { Runtime } from 'tal-webgpu';
import { attention } from '${home}';
globalThis.page = [attention, Runtime];`,
);

/** Bundles pages that use a part of the package, and looks at their sizes. */
export async function checkPage({ folder }, report) {
  const esbuild = createRequire(join(folder, 'package.json'))('esbuild');
  for (const text of pages) {
    const page = join(folder, 'page.js');
    writeFileSync(page, text);
    const { outputFiles, warnings } = await esbuild.build({
      entryPoints: [page],
      ...{ bundle: true, minify: true, write: false, format: 'esm', platform: 'browser', logLevel: 'silent' },
    });
    const [{ contents }] = outputFiles;
    const subject = `a page with ${text.split('\n')[1]} ${(contents.length / 1000).toFixed(1)} kB minified`;
    const faults = warnings.map((warning) => warning.text);
    if (contents.length > mostBytes) faults.push(`at most ${mostBytes / 1000} kB are expected`);
    report(subject, faults.join('\n'));
  }
}
