import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hangMs } from '../support/limits.js';

interface Script {
  advice(osRelease: Record<string, string>): string;
  parseOsRelease(text: string): Record<string, string>;
  backportsSources(
    files: { name: string; text: string }[],
    codename: string,
  ): { list: string; sources: string } | undefined;
}

// The script is plain JavaScript that runs before any build, so it has no types of its own.
const script = fileURLToPath(new URL('../../../scripts/provide-driver.mjs', import.meta.url));
const tal = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const { advice, parseOsRelease, backportsSources } = (await import(script)) as Script;

const home = mkdtempSync(join(tmpdir(), 'tal-driver-'));
after(() => rmSync(home, { recursive: true }));

/** The ways to run the script: by itself, and by the command of an installed package. */
const ways = { 'the script': [script], 'tal setup': [tal, 'setup'] };

/** Runs the script with an empty cache and no command to be found, which leaves it no way to install anything. */
function provide(environment: NodeJS.ProcessEnv, way: readonly string[] = [script]) {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES, VK_ADD_DRIVER_FILES, ...inherited } = process.env;
  const env = { ...inherited, XDG_CACHE_HOME: home, PATH: home, ...environment };
  return spawnSync(process.execPath, way, { encoding: 'utf8', env, timeout: hangMs });
}

for (const [name, way] of Object.entries(ways)) {
  test(`${name}: where there is an adapter, one line names it`, () => {
    const { status, stdout } = spawnSync(process.execPath, way, { encoding: 'utf8' });
    assert.match(stdout, /^WebGPU adapter: .+\n$/);
    assert.equal(status, 0);
  });

  test(`${name}: without an adapter and without apt, one error says what to install`, {
    skip: process.platform !== 'linux',
  }, () => {
    const { status, stderr } = provide({ VK_LOADER_DRIVERS_DISABLE: '*' }, way);
    assert.match(stderr, /^\nNo WebGPU adapter: .*\n {2}this machine has no apt-get\n/);
    assert.match(stderr, /vulkan/i);
    assert.equal(status, 1);
  });
}

test('a driver that the user chose in vain is named, and nothing is set up', {
  skip: process.platform !== 'linux',
}, () => {
  for (const variable of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) {
    const { status, stdout, stderr } = provide({ [variable]: '/nowhere/icd.json' });
    assert.match(stderr, /No WebGPU adapter: .*\/nowhere\/icd\.json/);
    assert.equal(stdout, '');
    assert.equal(status, 1);
  }
});

test('the package of each distribution is named', () => {
  const cases = [
    ['ID=ubuntu\nVERSION_CODENAME=noble', /apt-get install mesa-vulkan-drivers libvulkan1/],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"', /apt-get install mesa-vulkan-drivers libvulkan1/],
    ['ID=debian\nVERSION_CODENAME=bookworm', /apt-get install -t bookworm-backports mesa-vulkan-drivers/],
    ['ID=debian\nVERSION_CODENAME=trixie', /apt-get install mesa-vulkan-drivers/],
    ['ID=fedora', /dnf install mesa-vulkan-drivers/],
    ['ID="almalinux"\nID_LIKE="rhel centos fedora"', /dnf install mesa-vulkan-drivers/],
    ['ID=arch', /pacman -S vulkan-swrast vulkan-icd-loader/],
    ['ID=alpine', /apk add mesa-vulkan-swrast vulkan-loader[\s\S]*glibc/],
    ['ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"', /zypper install libvulkan_lvp/],
    ['ID=unheard-of\nPRETTY_NAME="Unheard Of 1"', /lavapipe.*libvulkan\.so\.1.*Unheard Of 1/],
    ['', /lavapipe.*libvulkan\.so\.1/],
  ] as const;
  for (const [text, expected] of cases) assert.match(advice(parseOsRelease(text)), expected, text);
});

test('backports are taken from the mirror of the one-line sources, with its options', () => {
  const text = `
# deb http://commented.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm main contrib # ours
deb http://mirror.example/debian bookworm-updates main
deb http://other.example/apt bookworm stable
`;
  assert.deepEqual(backportsSources([{ name: 'sources.list', text }], 'bookworm'), {
    list: 'deb [arch=amd64 signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm-backports main',
    sources: '',
  });
});

test('backports are taken from the mirror of the deb822 sources, with its key', () => {
  const text = `Types: deb
# a comment
URIs: mirror+file:/etc/apt/mirrors/debian.list
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /keys/debian.gpg

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
`;
  assert.deepEqual(backportsSources([{ name: 'debian.sources', text }], 'bookworm'), {
    list: '',
    sources: `Types: deb
URIs: mirror+file:/etc/apt/mirrors/debian.list
Suites: bookworm-backports
Components: main
Signed-By: /keys/debian.gpg`,
  });
});

test('backports that the machine has already are not added again', () => {
  // apt refuses one archive that is configured twice under different keys.
  const main = { name: 'sources.list', text: 'deb http://mirror.example/debian bookworm main' };
  const files = [
    { name: 'b.list', text: 'deb http://mirror.example/debian bookworm-backports main' },
    {
      name: 'b.sources',
      text: 'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-backports\nComponents: main',
    },
  ];
  for (const file of files) assert.equal(backportsSources([main, file], 'bookworm'), undefined);
});
