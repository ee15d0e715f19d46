// Packs the package, installs it into an empty project, and checks there what users get of it: how large it and a page
// are, whether others' linters of packages find faults, whether its declarations compile, and whether it runs.
//   npm run build && node scripts/check-package.mjs [types page linters commands]
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkCommands } from './package-checks/commands.mjs';
import { checkLinters } from './package-checks/linters.mjs';
import { checkPage } from './package-checks/page.mjs';
import { checkTypes, compilers } from './package-checks/types.mjs';

const checks = { page: checkPage, linters: checkLinters, commands: checkCommands, types: checkTypes };
const tools = [
  ...Object.entries(compilers).map(([name, version]) => `${name}@${version}`),
  ...['@types/node', '@webgpu/types', 'esbuild@~0.28.0', 'publint@~0.3.0', '@arethetypeswrong/cli@~0.18.0'],
];

const root = fileURLToPath(new URL('..', import.meta.url));
const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!(name in checks))
    throw new Error(`no check is named ${name}: there are ${Object.keys(checks).join(', ')}`);
}

const folder = mkdtempSync(join(tmpdir(), 'tal-check-package-'));
/** Runs a program in the project. @returns what it printed @throws Error with all that it printed, where it fails */
const run = (program, args, options) =>
  promisify(execFile)(program, args, { cwd: folder, maxBuffer: 2 ** 26, ...options }).then(
    ({ stdout }) => stdout,
    (error) => {
      throw new Error(`${program} ${args.join(' ')}: ${error.stdout}${error.stderr || error.message}`);
    },
  );

/** Packs and installs. No scripts are run: the build is there, and the dependencies work without theirs. */
async function install() {
  const npm = (...args) =>
    run('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']);
  const [{ filename, size, unpackedSize }] = JSON.parse(await npm('pack', root, '--json'));
  console.log(
    `ok     ${filename}: ${(size / 1e6).toFixed(2)} MB, unpacked ${(unpackedSize / 1e6).toFixed(2)} MB`,
  );
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await npm('install', `./${filename}`, ...tools);
  return { root, folder, tarball: join(folder, filename), run };
}

try {
  const project = await install();
  for (const [name, check] of Object.entries(checks)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    await check(project, (subject, complaints = '') => {
      console.log(`${complaints === '' ? 'ok    ' : 'FAILED'} ${subject}`);
      if (complaints === '') return;
      console.log(complaints);
      process.exitCode = 1;
    });
  }
} finally {
  rmSync(folder, { recursive: true });
}
