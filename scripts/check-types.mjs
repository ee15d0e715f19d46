// Packs the package, installs it into an empty project, and compiles a consumer of its main functions with each supported
// compiler, way to resolve modules and set of libraries. Declarations are checked too (no skipLibCheck).
//   npm run build && node scripts/check-types.mjs
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'tal-check-types-'));
const run = promisify(execFile);

const compilers = { 'typescript-5': 'npm:typescript@~5.9.0', 'typescript-7': 'npm:typescript@^7.0.0' };
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

/** Packs and installs; scripts are left out, as those of dependencies fetch what only runs. */
async function install() {
  const npm = (...args) =>
    run('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], {
      cwd: project,
    });
  const { stdout } = await npm('pack', root, '--json');
  const [{ filename }] = JSON.parse(stdout);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const tools = Object.entries(compilers).map(([name, version]) => `${name}@${version}`);
  await npm('install', `./${filename}`, ...tools, '@types/node', '@webgpu/types');
  cpSync(join(root, 'scripts', 'consumer'), project, { recursive: true });
}

/** Compiles the consumer; gives a line about it, and what the compiler complains of. */
async function compile(compiler, resolution, { lib, types, files }, i) {
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
  const config = join(project, `tsconfig-${i}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  const tsc = join(project, 'node_modules', compiler, 'bin', 'tsc');
  const name = `${files}: ${compiler}, ${resolution}, lib ${lib}${types.length ? `, types ${types}` : ''}`;
  return run(process.execPath, [tsc, '-p', config]).then(
    () => ({ name, complaints: '' }),
    ({ stdout, message }) => ({ name, complaints: stdout || message }),
  );
}

const jobs = Object.keys(compilers).flatMap((compiler) => [
  ...Object.keys(resolutions).flatMap((resolution) => [
    [compiler, resolution, bare],
    [compiler, resolution, page],
  ]),
  [compiler, 'nodenext', node],
  [compiler, 'bundler', webgpu[compiler]],
]);

try {
  await install();
  const queue = jobs.entries();
  const work = async () => {
    for (const [i, job] of queue) {
      const { name, complaints } = await compile(...job, i);
      console.log(`${complaints === '' ? 'ok    ' : 'FAILED'} ${name}`);
      if (complaints === '') continue;
      console.log(complaints);
      process.exitCode = 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
} finally {
  rmSync(project, { recursive: true });
}
