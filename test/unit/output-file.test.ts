import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  ensureFolder,
  ensureWritable,
  isStream,
  outputIdentity,
  writeWhole,
} from '../../src/data/files/output-file.js';
import { FileAccessError } from '../../src/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-output-'));
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true }));

let made = 0;
/** A new folder, so that what stays behind in it shows. */
function place(): (name: string) => string {
  const own = join(folder, String(made++));
  mkdirSync(own);
  return (name) => join(own, name);
}

/** Checks, then writes, as every command does. */
async function output(path: string, content: string | Uint8Array): Promise<void> {
  await ensureWritable(path);
  await writeWhole(path, content);
}

const windows = process.platform === 'win32' && 'POSIX files';
const notRoot = process.getuid?.() !== 0 && 'only root may do this';

/** Runs as a user without the rights of root. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return work();
  process.setegid!(65534);
  process.seteuid!(65534);
  try {
    await work();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
  }
}

const refusal = (text: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof FileAccessError, String(error));
  assert.match(error.message, new RegExp(text));
  return true;
};

describe('a regular file', { skip: windows }, () => {
  it('is made with the usual mode, and replaced with its own', async () => {
    const at = place();
    await output(at('new'), 'text');
    assert.equal(statSync(at('new')).mode & 0o777, 0o666 & ~process.umask());
    for (const mode of [0o600, 0o640, 0o755]) {
      chmodSync(at('new'), mode);
      const { ino } = statSync(at('new'));
      await output(at('new'), `of mode ${mode}`);
      assert.equal(statSync(at('new')).mode & 0o7777, mode);
      assert.equal(readFileSync(at('new'), 'utf8'), `of mode ${mode}`);
      assert.notEqual(statSync(at('new')).ino, ino, 'as a whole: by rename');
    }
    assert.deepEqual(readdirSync(at('.')), ['new']);
  });

  it('keeps its owner', { skip: notRoot }, async () => {
    const at = place();
    writeFileSync(at('file'), 'old');
    chownSync(at('file'), 1234, 5678);
    await output(at('file'), 'new');
    const { uid, gid } = statSync(at('file'));
    assert.deepEqual([uid, gid], [1234, 5678]);
  });

  it('keeps its owner where it cannot be given away', { skip: notRoot }, async () => {
    const at = place();
    chmodSync(at('.'), 0o777);
    writeFileSync(at('file'), 'old, and longer');
    chmodSync(at('file'), 0o666);
    await asNobody(() => output(at('file'), 'new'));
    assert.equal(readFileSync(at('file'), 'utf8'), 'new');
    assert.equal(statSync(at('file')).uid, 0);
    assert.deepEqual(readdirSync(at('.')), ['file']);
  });

  it('stays what its symbolic links point to', async () => {
    const at = place();
    mkdirSync(at('far'));
    writeFileSync(at('far/target'), 'old');
    symlinkSync('far/target', at('link'));
    symlinkSync('link', at('chain'));
    symlinkSync('far/absent', at('dangling'));
    await output(at('chain'), 'new');
    await output(at('dangling'), 'made');
    assert.equal(readFileSync(at('far/target'), 'utf8'), 'new');
    assert.equal(readFileSync(at('far/absent'), 'utf8'), 'made');
    assert.equal(readlinkSync(at('link')), 'far/target');
    assert.ok(lstatSync(at('dangling')).isSymbolicLink());
    assert.deepEqual(readdirSync(at('far')).toSorted(), ['absent', 'target']);
  });

  it('shares its content with its hard links', async () => {
    const at = place();
    writeFileSync(at('one'), 'a longer text than the new one');
    linkSync(at('one'), at('two'));
    await output(at('one'), 'new');
    assert.equal(readFileSync(at('two'), 'utf8'), 'new');
    assert.equal(statSync(at('one')).ino, statSync(at('two')).ino);
  });

  it('is written in a folder that may not be', async () => {
    const at = place();
    writeFileSync(at('file'), 'old');
    chmodSync(at('file'), 0o666);
    chmodSync(at('.'), 0o555);
    await asNobody(async () => {
      await output(at('file'), 'new');
      await assert.rejects(ensureWritable(at('other')), refusal('check its permissions'));
    });
    assert.equal(readFileSync(at('file'), 'utf8'), 'new');
    chmodSync(at('.'), 0o755);
  });

  it('is written where it is mounted', { skip: notRoot }, async (context) => {
    const at = place();
    writeFileSync(at('source'), 'old');
    writeFileSync(at('mounted'), '');
    if (spawnSync('mount', ['--bind', at('source'), at('mounted')]).status !== 0) {
      context.skip('no mounts here');
      return;
    }
    try {
      await output(at('mounted'), 'new');
      assert.equal(readFileSync(at('source'), 'utf8'), 'new');
      assert.deepEqual(readdirSync(at('.')).toSorted(), ['mounted', 'source']);
    } finally {
      spawnSync('umount', [at('mounted')]);
    }
  });

  it('may have the longest name there is', async () => {
    const at = place();
    const name = 'n'.repeat(255);
    await output(at(name), 'new');
    await output(at(name), 'newer');
    await assert.rejects(ensureWritable(at(`${name}n`)), refusal('name is too long'));
    assert.deepEqual(readdirSync(at('.')), [name]);
  });
});

describe('before any work', () => {
  it('it is said that an output cannot be written', async () => {
    const at = place();
    writeFileSync(at('file'), '');
    mkdirSync(at('folder'));
    symlinkSync('absent/file', at('astray'));
    symlinkSync('circle', at('circle'));
    const refused: [path: string, text: string][] = [
      ['', 'without a name'],
      [at('absent/file'), 'folder does not exist'],
      [at('file/in'), 'not a folder'],
      [at('folder'), 'is a folder'],
      [`${at('new')}/`, 'name of a folder'],
      [at('astray'), 'folder does not exist'],
      [at('circle'), 'circle'],
    ];
    for (const [path, text] of refused) await assert.rejects(ensureWritable(path), refusal(text), path);
    assert.deepEqual(readdirSync(at('.')).toSorted(), ['astray', 'circle', 'file', 'folder']);
  });

  it('the mode of a file counts', { skip: windows }, async () => {
    const at = place();
    writeFileSync(at('file'), 'old');
    chmodSync(at('file'), 0o444);
    chmodSync(at('.'), 0o777);
    await asNobody(() => assert.rejects(ensureWritable(at('file')), refusal('check its permissions')));
  });

  it('a folder is made, and each of its files is checked', async () => {
    const at = place();
    await ensureFolder(at('a/b'), ['x', 'y']);
    assert.deepEqual(readdirSync(at('a/b')), []);
    mkdirSync(at('a/b/y'));
    await assert.rejects(ensureFolder(at('a/b'), ['x', 'y']), refusal('is a folder'));
    writeFileSync(at('file'), '');
    await assert.rejects(ensureFolder(at('file'), ['x']), refusal('file, not a folder'));
    await assert.rejects(ensureFolder(at('file/in'), ['x']), refusal('not a folder'));
  });
});

it('a disk that is full leaves the old file, and nothing beside it', { skip: notRoot }, async (context) => {
  const at = place();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', at('.')]).status !== 0) {
    context.skip('no mounts here');
    return;
  }
  try {
    writeFileSync(at('file'), 'old');
    await assert.rejects(output(at('file'), new Uint8Array(2 ** 20)), refusal('disk is full'));
    await assert.rejects(output(at('new'), new Uint8Array(2 ** 20)), refusal('disk is full'));
    assert.equal(readFileSync(at('file'), 'utf8'), 'old');
    assert.deepEqual(readdirSync(at('.')), ['file']);
  } finally {
    spawnSync('umount', [at('.')]);
  }
});

describe('what is no regular file', { skip: windows }, () => {
  it('a FIFO gives the document to its reader, and the check does not wait for one', async () => {
    const at = place();
    spawnSync('mkfifo', [at('fifo')]);
    symlinkSync('fifo', at('link'));
    await ensureWritable(at('link'));
    const reader = spawn('cat', [at('fifo')]);
    let read = '';
    reader.stdout.on('data', (part) => (read += part));
    const ended = new Promise((resolve) => reader.on('close', resolve));
    const text = 'more than a pipe holds '.repeat(10_000);
    await writeWhole(at('link'), text);
    await ended;
    assert.equal(read, text);
    assert.ok(lstatSync(at('fifo')).isFIFO());
    assert.equal(await isStream(at('link')), true);
  });

  it('a device stays a device', { skip: notRoot }, async (context) => {
    const at = place();
    for (const [name, minor] of [
      ['null', '3'],
      ['full', '7'],
    ] as const) {
      const { status } = spawnSync('mknod', [at(name), 'c', '1', minor]);
      if (status !== 0) return context.skip('no devices here');
    }
    try {
      await output(at('null'), 'text');
    } catch (error) {
      // A mount without devices refuses them.
      if (/permissions/.test(String(error))) return context.skip('no devices here');
      throw error;
    }
    await assert.rejects(output(at('full'), 'text'), refusal('disk is full'));
    for (const name of ['null', 'full']) assert.ok(lstatSync(at(name)).isCharacterDevice());
  });

  it('a descriptor is written where it stands', {
    skip: !existsSync('/dev/fd') && 'no /dev/fd',
  }, async () => {
    const at = place();
    const descriptor = openSync(at('file'), 'w');
    writeFileSync(descriptor, 'before ');
    await output(`/dev/fd/${descriptor}`, 'after');
    assert.equal(await outputIdentity(`/dev/fd/${descriptor}`), await outputIdentity(at('file')));
    closeSync(descriptor);
    assert.equal(readFileSync(at('file'), 'utf8'), 'before after');
    const reading = openSync(at('file'), 'r');
    await assert.rejects(ensureWritable(`/dev/fd/${reading}`), refusal('not open for that'));
    closeSync(reading);
    await assert.rejects(ensureWritable(`/dev/fd/${reading}`), refusal('not open for that'));
  });
});

it('names of one file have one identity', { skip: windows }, async () => {
  const at = place();
  writeFileSync(at('file'), '');
  symlinkSync('file', at('link'));
  symlinkSync('new', at('dangling'));
  symlinkSync('.', at('here'));
  assert.equal(await outputIdentity(at('file')), await outputIdentity(at('link')));
  assert.equal(await outputIdentity(at('new')), await outputIdentity(at('dangling')));
  assert.equal(await outputIdentity(at('new')), await outputIdentity(at('here/new')));
  assert.notEqual(await outputIdentity(at('file')), await outputIdentity(at('new')));
  assert.equal(await outputIdentity('/dev/null'), undefined);
});
