import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const compilers = { 'typescript-5': 'npm:typescript@~5.9.0', 'typescript-7': 'npm:typescript@^7.0.0' };
/** Ways to resolve modules, each with the `module` that goes with it. */
const resolutions = { node16: 'node16', nodenext: 'nodenext', bundler: 'esnext' };
/** What a project may have of types, and the files that compile with them. */
const bare = { lib: ['ES2022'], types: [], files: ['consumer.ts'] };
const page = { lib: ['ES2022', 'DOM'], types: [], files: ['consumer.ts'] };
const node = { lib: ['ESNext'], types: ['node'], files: ['consumer.ts'] };
/** The types of WebGPU are a package for version 5 and part of the library later. */
const webgpu = {
  'typescript-5': { lib: ['ES2022', 'DOM'], types: ['@webgpu/types'], files: ['own-device.ts'] },
  'typescript-7': { lib: ['ES2022', 'DOM'], types: [], files: ['own-device.ts'] },
};

/** Compiles the consumer; gives a line about it, and what the compiler complains of. */
async function compile({ folder, run }, [compiler, resolution, { lib, types, files }], i) {
  const compilerOptions = {
    target: 'ES2022',
    module: resolutions[resolution],
    moduleResolution: resolution,
    lib,
    types,
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  };
  const config = join(folder, `tsconfig-${i}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  const tsc = join(folder, 'node_modules', compiler, 'bin', 'tsc');
  const name = `${files}: ${compiler}, ${resolution}, lib ${lib}${types.length ? `, types ${types}` : ''}`;
  return run(process.execPath, [tsc, '-p', config]).then(
    () => ({ name, complaints: '' }),
    ({ message }) => ({ name, complaints: message }),
  );
}

/** Writes a consumer of each entry point alone: its declarations may need no other's. */
function consumersOfEntryPoints(folder) {
  const manifest = join(folder, 'node_modules', 'tal-webgpu', 'package.json');
  const { exports } = JSON.parse(readFileSync(manifest, 'utf8'));
  const entryPoints = Object.keys(exports).filter((path) => exports[path].types);
  return entryPoints.map((path) => {
    const file = `entry-point${path.slice(1).replaceAll('/', '-')}.ts`;
    writeFileSync(join(folder, file), `export * from 'tal-webgpu${path.slice(1)}';\n`);
    return ['typescript-7', 'nodenext', { ...bare, files: [file] }];
  });
}

/**
 * Compiles consumers of the main functions with each supported compiler, way to resolve modules and set of libraries.
 * Declarations are checked too (no skipLibCheck).
 */
export async function checkTypes(project, report) {
  const { folder } = project;
  cpSync(fileURLToPath(new URL('consumer', import.meta.url)), folder, { recursive: true });
  const jobs = Object.keys(compilers).flatMap((compiler) => [
    ...Object.keys(resolutions).flatMap((resolution) => [
      [compiler, resolution, bare],
      [compiler, resolution, page],
    ]),
    [compiler, 'nodenext', node],
    [compiler, 'bundler', webgpu[compiler]],
  ]);
  const queue = [...jobs, ...consumersOfEntryPoints(folder)].entries();
  const work = async () => {
    for (const [i, job] of queue) {
      const { name, complaints } = await compile(project, job, i);
      report(name, complaints);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
}
