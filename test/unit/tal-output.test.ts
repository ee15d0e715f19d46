import assert from 'node:assert/strict';
import { type StdioOptions, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { hangMs } from '../support/limits.js';
import { assertRefused } from '../support/refused.js';
import { tal, talPath, talProcess } from '../support/tal.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-outputs-'));
after(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);

const query = { qid: 1, query: 'a jump', vid: 'v', duration: 10 };
writeFileSync(inFolder('truth.jsonl'), `${JSON.stringify({ ...query, relevant_windows: [[2, 4]] })}\n`);
writeFileSync(
  inFolder('found.jsonl'),
  `${JSON.stringify({ ...query, pred_relevant_windows: [[2, 4, 0.9]] })}\n`,
);

const run = (args: string[]) => tal(args, folder);
const runProcess = (args: string[], stdio: StdioOptions = 'pipe') => talProcess(args, { cwd: folder, stdio });

const evaluate = ['evaluate', 'moments', '--predictions', 'found.jsonl', '--ground-truth', 'truth.jsonl'];
const windows = process.platform === 'win32' && 'no such files';
const noFull = !existsSync('/dev/full') && 'no /dev/full';

describe('standard output', () => {
  for (const name of ['-', ...(windows ? [] : ['/dev/stdout', '/dev/fd/1'])]) {
    it(`as ${name} is the document alone`, () => {
      const { status, stdout, stderr } = runProcess([...evaluate, '--json', name]);
      assert.equal(status, 0, stderr);
      assert.equal(JSON.parse(stdout)['R1@0.5'], 100);
      assert.match(stderr, /1 queries, in per cent[\s\S]*R1@0\.5/);
      assert.ok(!existsSync(inFolder('-')));
    });
  }

  it('that is a file gets the document where it stands', { skip: windows }, () => {
    const file = openSync(inFolder('out.txt'), 'w');
    writeFileSync(file, 'before\n');
    const { status } = runProcess([...evaluate, '--json', '/dev/stdout'], ['ignore', file, 'ignore']);
    closeSync(file);
    assert.equal(status, 0);
    const [first, ...rest] = readFileSync(inFolder('out.txt'), 'utf8').split('\n');
    assert.equal(first, 'before');
    assert.equal(JSON.parse(rest.join('\n'))['R1@0.5'], 100);
  });

  for (const args of [evaluate, [...evaluate, '--json', '-'], ['--help'], ['--version']]) {
    it(`on a full disk is an error of tal ${args.slice(0, 2).join(' ')} …`, { skip: noFull }, () => {
      const full = openSync('/dev/full', 'w');
      const { status, stderr } = runProcess(args, ['ignore', full, 'pipe']);
      closeSync(full);
      assert.equal(status, 1, stderr);
      const said = stderr.split('\n').filter((line) => line.startsWith('tal: '));
      assert.deepEqual(said, ['tal: Cannot write standard output: the disk is full']);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  for (const args of [evaluate, [...evaluate, '--json', '-'], ['--help']]) {
    it(`without a reader ends tal ${args.slice(0, 2).join(' ')} … quietly`, { skip: windows }, async () => {
      const child = spawn(process.execPath, [talPath, ...args], { cwd: folder });
      child.stdout.destroy();
      let stderr = '';
      child.stderr.on('data', (part) => (stderr += part));
      const status = await new Promise((resolve) => child.on('close', resolve));
      assert.equal(status, 141);
      assert.doesNotMatch(stderr, /EPIPE|tal:|\n\s+at /);
    });
  }

  it('is no folder', async () => {
    assertRefused(await run(['sample', '--out', '-']), /--out takes a folder/);
    assert.ok(!existsSync(inFolder('-')));
  });
});

describe('an output', () => {
  it('goes through a symbolic link and into a pipe of the shell', { skip: windows }, async () => {
    mkdirSync(inFolder('far'));
    symlinkSync('far/metrics.json', inFolder('link.json'));
    assert.equal((await run([...evaluate, '--json', 'link.json'])).status, 0);
    assert.equal(JSON.parse(readFileSync(inFolder('far/metrics.json'), 'utf8'))['R1@0.5'], 100);
    const script = '"$0" "$@" --json >(cat > part; mv part whole) && until [ -e whole ]; do sleep 0.05; done';
    const args = ['-c', script, process.execPath, talPath, ...evaluate];
    const { status, stderr } = spawnSync('bash', args, { encoding: 'utf8', cwd: folder, timeout: hangMs });
    assert.equal(status, 0, stderr);
    assert.equal(JSON.parse(readFileSync(inFolder('whole'), 'utf8'))['R1@0.5'], 100);
  });

  it('is refused where it is an input', { skip: windows }, async () => {
    symlinkSync('found.jsonl', inFolder('alias.jsonl'));
    const before = readFileSync(inFolder('found.jsonl'), 'utf8');
    for (const name of ['found.jsonl', './found.jsonl', 'alias.jsonl', 'truth.jsonl']) {
      assertRefused(
        await run([...evaluate, '--json', name]),
        /--json names .*, which --(predictions|ground-truth) reads/,
      );
    }
    assert.equal(readFileSync(inFolder('found.jsonl'), 'utf8'), before);
  });

  it('is refused where it is a file of an input folder', async () => {
    mkdirSync(inFolder('model'));
    for (const name of ['config.json', 'model.safetensors', 'prior.json']) {
      writeFileSync(join(folder, 'model', name), '{}');
      const args = [
        ...['evaluate', 'model', '--data', 'world', '--split', 'test', '--model', 'model'],
        ...['--json', `model/${name}`],
      ];
      assertRefused(await run(args), /which --model reads/);
    }
    assert.deepEqual(readdirSync(inFolder('model')).length, 3);
  });

  it('is refused where it is one of the joined files of an input', async () => {
    writeFileSync(inFolder('flow.npy'), 'kept');
    const args = ['localize', 'rgb.npy+flow.npy', '--model', 'm', '--duration', '9'];
    for (const option of ['--json', '--out'])
      assertRefused(await run([...args, option, 'flow.npy']), /flow\.npy, which the input reads/);
    assert.equal(readFileSync(inFolder('flow.npy'), 'utf8'), 'kept');
  });

  it('is refused where another output is the same file', async () => {
    const both = (json: string, plot: string) =>
      run(['localize', 'f.npy', '--duration', '9', '--model', 'm', '--json', json, '--plot', plot]);
    const same = /--json and --plot name the same file/;
    assertRefused(await both('same.svg', './same.svg'), same);
    assertRefused(await both('-', '-'), same);
    if (!windows) {
      assertRefused(await both('/dev/stdout', '-'), same);
      assertRefused(await both('/dev/null', '/dev/null'), /f\.npy/);
    }
    assert.ok(!existsSync(inFolder('same.svg')));
  });

  it('without a name is refused', async () => {
    assertRefused(await run([...evaluate, '--json', '']), /without a name/);
  });
});

describe('tal', () => {
  it('is a program that the shell can start', { skip: windows }, () => {
    assert.equal(statSync(talPath).mode & 0o111, 0o111);
    assert.equal(spawnSync(talPath, ['--version'], { encoding: 'utf8' }).status, 0);
  });

  it('tells its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    for (const option of ['--version', '-V']) assert.equal((await run([option])).stdout, `${version}\n`);
  });

  for (const args of [[], ['train'], ['evaluate']]) {
    it(`${args.join(' ')} shows its commands`, async () => {
      const { status, stdout, stderr } = await run(args);
      assert.equal(status, 0);
      assert.match(stdout, /^Usage: tal [\s\S]*Commands:/);
      assert.equal(stderr, '');
    });
  }

  it('refuses an unknown command', async () => {
    assertRefused(await run(['localise']), /unknown command 'localise'/);
  });
});

describe('a number of an option', () => {
  for (const text of ['0x10', '', '1e999', '5s']) {
    it(`is not ${JSON.stringify(text)}`, async () => {
      const { status, stderr } = await run(['localize', 'f.npy', `--duration=${text}`]);
      assert.equal(status, 1);
      assert.match(stderr, /--duration <seconds>' argument .* is invalid\. It must be a positive number/);
    });
  }
});
