import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** What a page imports beside the runtime, and its bytes, minified: more means that it brings along what it does not use. */
const pages = [
  { name: 'attention', home: 'tal-webgpu', mostBytes: 150_000 },
  { name: 'attention', home: 'tal-webgpu/ops', mostBytes: 150_000 },
  // Twice as much with the kernels of gradients.
  // With convolutions, for signals.
  { name: 'GroundingNetwork', home: 'tal-webgpu/models/cg-detr', mostBytes: 360_000 },
  { name: 'LanguageModel', home: 'tal-webgpu/models/mdvlm', mostBytes: 280_000 },
];

/** Bundles pages that use a part of the package, and looks at their sizes. */
export async function checkPage({ folder }, report) {
  const esbuild = createRequire(join(folder, 'package.json'))('esbuild');
  for (const { name, home, mostBytes } of pages) {
    const page = join(folder, 'page.js');
    const imported = `import { ${name} } from '${home}';`;
    writeFileSync(
      page,
      `import { Runtime } from 'tal-webgpu';\n${imported}\nglobalThis.page = [${name}, Runtime];`,
    );
    const { outputFiles, warnings } = await esbuild.build({
      entryPoints: [page],
      ...{ bundle: true, minify: true, write: false, format: 'esm', platform: 'browser', logLevel: 'silent' },
    });
    const [{ contents }] = outputFiles;
    const subject = `a page with ${imported} ${(contents.length / 1000).toFixed(1)} kB minified`;
    const faults = warnings.map((warning) => warning.text);
    if (contents.length > mostBytes) faults.push(`at most ${mostBytes / 1000} kB are expected`);
    report(subject, faults.join('\n'));
  }
}
