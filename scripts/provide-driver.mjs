#!/usr/bin/env node
/**
 * Makes sure that Dawn (npm `webgpu`) finds an adapter on this machine; run by `tal setup` and before the demo and the
 * tests, hence plain JavaScript without a build or dependencies. Where an adapter is there already, it says which and ends.
 *
 * On Linux without one it provides Mesa's software driver, lavapipe, from the machine's own Debian or Ubuntu archive:
 * as root by installing the packages, without root by unpacking the same packages into the user's cache, from where
 * src/gpu/cached-driver.ts loads them. Where neither is possible, one error names the package to install.
 *
 *   node scripts/provide-driver.mjs [--with-swiftshader]   provide; SwiftShader is the tests' second driver
 *   node scripts/provide-driver.mjs --probe                print {"software","hardware","problem"} as JSON, change nothing
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, homedir } from 'node:os';
import { basename, extname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = ['mesa-vulkan-drivers', 'libvulkan1'];
const MINUTE = 60_000;

// --- Where things are. src/gpu/cached-driver.ts reads the same folder and the same driver.json. ---

const system = parseOsRelease(readFirst('/etc/os-release', '/usr/lib/os-release'));
// A home folder may be shared by machines of different systems: each has its own drivers.
const cache = join(
  isAbsolute(process.env.XDG_CACHE_HOME ?? '') ? process.env.XDG_CACHE_HOME : join(homedir(), '.cache'),
  'tal-webgpu',
  `${system.ID ?? 'unknown'}-${system.VERSION_ID ?? 'unknown'}-${process.arch}`,
);
const manifestFile = join(cache, 'vulkan', 'driver.json');
const swiftShaderIcd = join(cache, 'swiftshader', 'vk_swiftshader_icd.json');
/** Everything unfinished lives here, so that an interrupted set-up is never taken for a finished one. */
const work = join(cache, `setup-${process.pid}`);

// --- Finding an adapter ---

function readManifest() {
  try {
    return JSON.parse(readFileSync(manifestFile, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Loads the cached driver into this process, as src/gpu/cached-driver.ts does (see there for the reasons). */
function activateCachedDriver() {
  const { icd, libraries } = readManifest() ?? {};
  if (!icd) return;
  const RTLD_NODELETE = 0x1000;
  for (const library of libraries) {
    try {
      process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
    } catch {
      // Not a Node module: expected. A library that cannot be loaded shows as a missing adapter.
    }
  }
  process.env.VK_ADD_DRIVER_FILES ??= icd;
}

/** Prints the adapters that Dawn finds. In a process of its own: Dawn keeps what it found, and a driver may crash. */
async function printAdapters() {
  const result = { software: null, hardware: null, problem: null };
  try {
    activateCachedDriver();
    const { create } = await import('webgpu');
    const gpu = create([]);
    for (const options of [{ powerPreference: 'high-performance' }, { forceFallbackAdapter: true }]) {
      const info = (await gpu.requestAdapter(options))?.info;
      if (info) result[info.isFallbackAdapter ? 'software' : 'hardware'] = info.description || info.device;
    }
  } catch (error) {
    const absent = error.code === 'ERR_MODULE_NOT_FOUND';
    const remedy = absent ? 'Run `npm install` first.' : "On Linux Dawn's binary needs glibc 2.34 or later.";
    result.problem = `Dawn (the npm package webgpu) could not be loaded: ${error.message}\n${remedy}`;
  }
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}

function findAdapters(environment = {}) {
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--probe'], {
    encoding: 'utf8',
    timeout: 30 * MINUTE, // a hang, not a slow machine
    env: { ...process.env, ...environment },
  });
  try {
    return JSON.parse(child.stdout);
  } catch {
    const cause = child.error?.message ?? child.signal ?? `exit code ${child.status}`;
    const problem = `a graphics driver fails (${cause}): name another one's ICD file in VK_DRIVER_FILES`;
    return { software: null, hardware: null, problem };
  }
}

// --- The machine's package archive, through apt ---

/**
 * A copy of those of the machine's package sources that offer `codename`, rewritten to offer its backports: from the
 * same mirror, under the same key. Undefined where the machine has backports configured already.
 * @param {{name: string, text: string}[]} files sources in apt's one-line (.list) and deb822 (.sources) format
 * @returns {{list: string, sources: string} | undefined} text in either format, empty where none offers `codename`
 */
export function backportsSources(files, codename) {
  const backports = `${codename}-backports`;
  const found = { list: [], sources: [] };
  for (const { name, text } of files) {
    if (extname(name) === '.list') {
      for (const line of text.split('\n')) {
        const [, head, suite, components] =
          /^\s*(deb\s+(?:\[[^\]]*\]\s+)?\S+)\s+(\S+)\s+([^#]*)/.exec(line) ?? [];
        if (suite === backports) return undefined;
        if (suite === codename && /\bmain\b/.test(components)) found.list.push(`${head} ${backports} main`);
      }
    } else if (extname(name) === '.sources') {
      for (const stanza of text.replace(/^#.*\n?/gm, '').split(/\n\s*\n/)) {
        const field = (key) =>
          (new RegExp(`^${key}:((?:.|\\n[ \\t])*)`, 'im').exec(stanza)?.[1] ?? '').trim().split(/\s+/);
        if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') continue;
        if (field('Suites').includes(backports)) return undefined;
        if (field('Suites').includes(codename) && field('Components').includes('main')) {
          found.sources.push(stanza.trim().replace(/^Suites:(?:.|\n[ \t])*/im, `Suites: ${backports}`));
        }
      }
    }
  }
  return { list: found.list.join('\n'), sources: found.sources.join('\n\n') };
}

/** apt with package lists and downloads of our own: neither the machine's sources nor its lists are touched. */
class Apt {
  constructor() {
    for (const command of ['apt-get', 'dpkg-deb', 'ldd']) {
      if (spawnSync(command, ['--version']).error) throw new Error(`this machine has no ${command}`);
    }
    this.sources = join(work, 'sources');
    for (const folder of ['sources', 'lists/partial', 'archives/partial']) {
      mkdirSync(join(work, folder), { recursive: true });
    }
    this.release = this.#copySources() ? ['-t', `${system.VERSION_CODENAME}-backports`] : [];
    console.log('Downloading the list of packages …');
    // A third party's source that fails does not matter, so a failure counts only when the packages are not found.
    this.complaints = complaints(
      spawnSync('apt-get', this.#options(['update']), { ...this.#spawnOptions(), timeout: 5 * MINUTE }),
    );
  }

  /** The machine's own sources and, on bookworm, whose own Mesa (22.3) Dawn refuses, those of its backports. */
  #copySources() {
    const parts = '/etc/apt/sources.list.d';
    const files = [{ name: 'sources.list', text: readFirst('/etc/apt/sources.list') }];
    for (const name of existsSync(parts) ? readdirSync(parts) : []) {
      const text = readFirst(join(parts, name));
      files.push({ name, text });
      writeFileSync(join(this.sources, name), text);
    }
    if (system.VERSION_CODENAME !== 'bookworm') return false;
    const backports = backportsSources(files, 'bookworm');
    for (const [format, text] of Object.entries(backports ?? {})) {
      writeFileSync(join(this.sources, `tal-webgpu-backports.${format}`), `${text}\n`);
    }
    if (backports && !backports.list && !backports.sources) {
      throw new Error("none of this machine's package sources offers Debian bookworm");
    }
    return true;
  }

  #options(args) {
    const options = {
      'Dir::Etc::SourceParts': this.sources,
      'Dir::State::Lists': join(work, 'lists'),
      'Dir::Cache': work,
      'Acquire::Languages': 'none',
      'Acquire::http::Timeout': 15,
      'Acquire::https::Timeout': 15,
      'Acquire::Retries': 1,
      'APT::Install-Recommends': false,
      'APT::Sandbox::User': 'root', // apt's own user cannot enter a home folder
      'Dpkg::Use-Pty': false,
      'DPkg::Lock::Timeout': 60,
    };
    return [...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]), ...args];
  }

  #spawnOptions() {
    const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
    env.PATH = `${env.PATH}:/usr/sbin:/sbin`; // a root shell opened with `su` lacks what dpkg needs
    return { cwd: join(work, 'archives'), env, encoding: 'utf8', maxBuffer: 2 ** 28 };
  }

  /** Runs apt-get; throws what it complained of. */
  get(...args) {
    const child = spawnSync('apt-get', this.#options(args), {
      ...this.#spawnOptions(),
      timeout: 10 * MINUTE,
    });
    if (child.status === 0) return child.stdout;
    const lines = new Set([...this.complaints, ...complaints(child)]);
    const raw =
      child.stderr?.trim() || `apt-get failed (${child.error?.message ?? child.signal ?? child.status})`;
    throw new Error(lines.size > 0 ? [...lines].slice(0, 4).join('\n  ') : raw);
  }

  /** Downloads packages ('name' or 'name=version') and returns the files. */
  download(what, packages) {
    const sizes = [...this.get('download', '--print-uris', ...packages).matchAll(/^'.*' \S+ (\d+)/gm)];
    const megabytes = sizes.reduce((sum, [, bytes]) => sum + Number(bytes), 0) / 1e6;
    console.log(`Downloading ${what} (${megabytes.toFixed(0)} MB) …`);
    this.get('download', ...packages);
    return readdirSync(join(work, 'archives'))
      .filter((file) => packages.some((name) => file.startsWith(`${name.split('=')[0]}_`)))
      .map((file) => join(work, 'archives', file));
  }
}

/** What apt-get complained of, without what merely follows from it. */
function complaints({ error, stderr }) {
  const consequence = /Some index files failed|is invalid for APT::Default-Release/;
  const lines = (stderr ?? '').split('\n').filter((line) => /^[EW]: /.test(line) && !consequence.test(line));
  if (error?.code === 'ETIMEDOUT') lines.unshift('apt-get took too long (is the network reachable?)');
  return lines;
}

// --- Providing the driver ---

function installDriver(apt) {
  const install = ['install', '-y', '--no-remove', ...apt.release, ...PACKAGES];
  console.log(`Downloading the lavapipe driver (${PACKAGES.join(', ')} and what they need) …`);
  apt.get(...install, '--download-only');
  console.log('Installing it …');
  apt.get(...install);
}

/** Unpacks the driver, and whatever of its dependencies the machine lacks, into the cache. */
function unpackDriver(apt) {
  const plan = apt.get('install', '--simulate', '--reinstall', ...apt.release, ...PACKAGES);
  // The C library is the process's own and cannot be replaced in it.
  const packages = [...plan.matchAll(/^Inst (\S+) (?:\[.*?\] )?\((\S+)/gm)]
    .filter(([, name]) => name !== 'libc6')
    .map(([, name, version]) => `${name}=${version}`);
  const archives = apt.download(`the lavapipe driver, ${packages.length} packages`, packages);
  console.log(`Unpacking it into ${cache} …`);
  const staged = join(work, 'vulkan');
  unpack(archives, join(staged, 'root'));

  const folder = join(cache, 'vulkan');
  if (existsSync(manifestFile)) return; // another set-up was quicker
  rmSync(folder, { recursive: true, force: true });
  renameSync(staged, folder);

  writeManifest(folder, join(folder, 'root'));
}

/** Says how to load the driver unpacked under `root`: with absolute paths, which ICD files and libraries lack. */
function writeManifest(folder, root) {
  const libraryFolders = ['lib', 'usr/lib']
    .map((parent) => join(root, parent))
    .flatMap((parent) => (existsSync(parent) ? readdirSync(parent).map((name) => join(parent, name)) : []))
    .filter((path) => path.endsWith('-linux-gnu'));
  const locate = (name) => libraryFolders.map((parent) => join(parent, name)).find(existsSync);

  const icds = join(root, 'usr/share/vulkan/icd.d');
  const name = readdirSync(icds).find((file) => file.startsWith('lvp_icd'));
  const content = JSON.parse(readFileSync(join(icds, name), 'utf8'));
  const driver = locate(basename(content.ICD.library_path));
  content.ICD.library_path = driver;
  const icd = join(folder, 'tal_webgpu_lavapipe_icd.json');
  writeFileSync(icd, JSON.stringify(content, null, 2));

  const loader = locate('libvulkan.so.1');
  const needed = [driver, loader].flatMap((library) => loadOrder(library, root, libraryFolders));
  const manifest = { icd, libraries: [...new Set([...needed, loader])] };
  writeFileSync(join(work, 'driver.json'), JSON.stringify(manifest, null, 2));
  renameSync(join(work, 'driver.json'), manifestFile); // last: its presence says that the driver is whole
}

function unpack(archives, folder) {
  mkdirSync(folder, { recursive: true });
  for (const archive of archives) {
    const child = spawnSync('dpkg-deb', ['-x', archive, folder], { encoding: 'utf8', timeout: 5 * MINUTE });
    if (child.status !== 0)
      throw new Error(`${basename(archive)} could not be unpacked: ${child.stderr ?? child.error}`);
  }
}

/** The unpacked libraries that `library` needs, each after those that it needs itself. */
function loadOrder(library, root, folders) {
  const needs = (path) => {
    const env = { ...process.env, LC_ALL: 'C', LD_LIBRARY_PATH: folders.join(':') };
    const { stdout } = spawnSync('ldd', [path], { encoding: 'utf8', env });
    const missing = /^\s*(\S+) => not found/m.exec(stdout);
    if (missing) throw new Error(`the driver needs ${missing[1]}, which none of its packages holds`);
    return [...stdout.matchAll(/=> (\/\S+)/g)]
      .map(([, needed]) => needed)
      .filter((needed) => needed.startsWith(root));
  };
  // What a library needs includes what those need in turn, so the count of what it needs is an order.
  return needs(library)
    .map((path) => ({ path, count: needs(path).length }))
    .sort((a, b) => a.count - b.count)
    .map(({ path }) => path);
}

/** SwiftShader out of Debian's Chromium package: two files, Chromium itself is not installed. */
function provideSwiftShader(apt) {
  const [archive] = apt.download('SwiftShader, in chromium-common', ['chromium-common']);
  const staged = join(work, 'swiftshader');
  unpack([archive], join(work, 'chromium'));
  mkdirSync(staged);
  for (const file of ['libvk_swiftshader.so', 'vk_swiftshader_icd.json']) {
    renameSync(join(work, 'chromium/usr/lib/chromium', file), join(staged, file));
  }
  const { problem, software } = findAdapters({ VK_DRIVER_FILES: join(staged, basename(swiftShaderIcd)) });
  if (!software) throw new Error(problem ?? 'Dawn finds no adapter with it');
  if (!existsSync(swiftShaderIcd)) renameSync(staged, join(cache, 'swiftshader'));
}

// --- What to tell the user ---

/** How to install a Vulkan driver on the distribution that an os-release file describes. */
export function advice({ ID = '', ID_LIKE = '', VERSION_CODENAME = '', PRETTY_NAME = 'this distribution' }) {
  const families = {
    debian: 'apt-get install mesa-vulkan-drivers libvulkan1',
    ubuntu: 'apt-get install mesa-vulkan-drivers libvulkan1',
    fedora: 'dnf install mesa-vulkan-drivers vulkan-loader',
    rhel: 'dnf install mesa-vulkan-drivers vulkan-loader',
    arch: 'pacman -S vulkan-swrast vulkan-icd-loader',
    alpine: 'apk add mesa-vulkan-swrast vulkan-loader',
    suse: 'zypper install libvulkan_lvp libvulkan1',
  };
  const command = [ID, ...ID_LIKE.split(' ')]
    .map((name) => families[name.replace(/^opensuse.*/, 'suse')])
    .find(Boolean);
  if (!command) {
    return `Install Mesa's Vulkan software driver (lavapipe) and the Vulkan loader (libvulkan.so.1) on ${PRETTY_NAME}, then run this again.`;
  }
  if (VERSION_CODENAME === 'bookworm' && ID === 'debian') {
    return `On ${PRETTY_NAME} add bookworm-backports to the package sources (its own Mesa 22.3 is too old) and run, as root:\n  ${command.replace('install', 'install -t bookworm-backports')}`;
  }
  const glibc =
    ID === 'alpine'
      ? "\nNote that Dawn's binary needs glibc, which Alpine lacks: a glibc distribution is needed."
      : '';
  return `On ${PRETTY_NAME} run, as root:\n  ${command}${glibc}`;
}

function fail(...lines) {
  console.error(`\nNo WebGPU adapter: ${lines.join('\n')}`);
  process.exit(1);
}

/** The fields of an os-release file. */
export function parseOsRelease(text) {
  return Object.fromEntries(
    [...text.matchAll(/^(\w+)=["']?(.*?)["']?$/gm)].map(([, key, value]) => [key, value]),
  );
}

/** The text of the first of these files that can be read, or nothing. */
function readFirst(...paths) {
  for (const path of paths) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // the next one
    }
  }
  return '';
}

// --- Main ---

/** Removes what set-ups that were cut off left behind. */
function cleanUp() {
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    const pid = Number(/^setup-(\d+)$/.exec(name)?.[1]);
    try {
      if (pid && pid !== process.pid) process.kill(pid, 0);
      else if (pid) throw new Error('ours, or of an earlier process of the same number');
    } catch {
      rmSync(join(cache, name), { recursive: true, force: true });
    }
  }
}

let apt;

function openApt() {
  if (apt) return apt;
  try {
    cleanUp();
    mkdirSync(work, { recursive: true });
  } catch (error) {
    throw new Error(
      `the cache folder cannot be written (${error.message}); set XDG_CACHE_HOME to a folder of yours`,
    );
  }
  process.once('exit', () => rmSync(work, { recursive: true, force: true }));
  apt = new Apt();
  return apt;
}

function main() {
  let found = findAdapters();
  if (found.problem) fail(found.problem);
  if (!found.software && !found.hardware) {
    const chosen = process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES;
    if (process.platform !== 'linux')
      fail("Dawn can use none of this machine's. Update its graphics driver.");
    if (chosen)
      fail(`Dawn can use none of ${chosen}. Correct or unset VK_DRIVER_FILES and VK_ICD_FILENAMES.`);
    console.log('No Vulkan driver that Dawn can use: setting up a software driver, about a minute.');
    found = setUpDriver();
  }
  console.log(`WebGPU adapter: ${found.hardware ?? found.software}`);

  if (process.argv.includes('--with-swiftshader') && !existsSync(swiftShaderIcd)) {
    try {
      if (process.platform !== 'linux') throw new Error('it is provided on Linux only');
      provideSwiftShader(openApt());
    } catch (error) {
      console.log(`No SwiftShader, so the tests will skip that half of their matrix:\n  ${error.message}`);
    }
  }
}

function forgetDriver() {
  try {
    rmSync(manifestFile, { force: true });
  } catch {
    // A cache that cannot be written is told of when it is opened.
  }
}

/** Sets up lavapipe by the first method that works, and returns the adapters that Dawn then finds. */
function setUpDriver() {
  forgetDriver(); // one that is there is of no use
  const reasons = new Set();
  for (const method of process.getuid() === 0 ? [installDriver, unpackDriver] : [unpackDriver]) {
    try {
      method(openApt());
      const found = findAdapters();
      if (found.software) return found;
      forgetDriver();
      reasons.add(found.problem ?? "Dawn refuses this release's driver");
    } catch (error) {
      reasons.add(error.message);
    }
  }
  return fail(
    'a software driver could not be set up:',
    ...[...reasons].map((reason) => `  ${reason}`),
    advice(system),
  );
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--probe')) await printAdapters();
  else main();
}
