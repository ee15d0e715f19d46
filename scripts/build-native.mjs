// Compiles native/src/*.cc to native/build/reference.node. Node-API headers come from npm, so nothing is
// downloaded and the result fits every Node version. Objects that are newer than their sources are kept.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const source = fileURLToPath(new URL('../native/src/', import.meta.url));
const build = fileURLToPath(new URL('../native/build/', import.meta.url));
const compiler = process.env.CXX ?? 'c++';
if (spawnSync(compiler, ['--version']).error) {
  console.error(
    `no C++ compiler "${compiler}": install g++ (Debian, Ubuntu: apt-get install g++) or set CXX`,
  );
  process.exit(1);
}
const include = [
  require('node-api-headers').include_dir,
  dirname(require.resolve('node-addon-api/napi.h')),
].map((path) => `-I${path}`);
const flags = [
  '-std=c++17',
  '-O3',
  '-march=native',
  '-fPIC',
  '-pthread',
  '-DNAPI_CPP_EXCEPTIONS',
  '-Wall',
  ...include,
];
const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const header = modified(join(source, 'reference.h'));

mkdirSync(build, { recursive: true });
const files = readdirSync(source).filter((name) => name.endsWith('.cc'));
const objects = files.map((name) => join(build, name.replace(/\.cc$/, '.o')));
const stale = files.filter(
  (name, i) => modified(objects[i]) < Math.max(modified(join(source, name)), header),
);

async function compileAll() {
  const queue = [...stale];
  const worker = async () => {
    for (let name = queue.shift(); name; name = queue.shift()) {
      await run(['-c', join(source, name), '-o', join(build, name.replace(/\.cc$/, '.o')), ...flags]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

function run(args) {
  return new Promise((resolve) => {
    spawn(compiler, args, { stdio: 'inherit' }).on('exit', (code) => {
      if (code !== 0) process.exit(1);
      resolve();
    });
  });
}

await compileAll();
const target = join(build, 'reference.node');
if (stale.length > 0 || modified(target) === 0) {
  const undefinedAllowed = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  await run(['-shared', ...undefinedAllowed, '-pthread', ...objects, '-o', target]);
}
