import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readSignalCsv } from '../../src/data/formats/signal-csv.js';
import { openInput } from '../../src/datasets/open-input.js';
import { FileFormatError, OptionError } from '../../src/errors.js';

describe('recordings as CSV', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tal-signal-'));
  });
  after(() => rm(folder, { recursive: true }));

  const write = async (text: string) => {
    const path = join(folder, 'recording.csv');
    await writeFile(path, text);
    return path;
  };
  /** A ramp of two channels at 10 samples a second, at the times given. */
  const ramp = (times: readonly number[]) =>
    `time,x,y\n${times.map((t) => `${t},${2 * t},${-t}`).join('\n')}\n`;
  const even = Array.from({ length: 50 }, (_, i) => i / 10);

  test('evenly spaced samples are read as they are', async () => {
    const signal = await readSignalCsv(await write(ramp(even)));
    assert.deepEqual(signal.channels, ['x', 'y']);
    assert.ok(Math.abs(signal.rate - 10) < 1e-9);
    assert.ok(Math.abs(signal.duration - 5) < 1e-9);
    const part = signal.read(1, 2);
    assert.equal(part.length, 20);
    assert.ok(Math.abs(part[0]! - 2) < 1e-5 && Math.abs(part[19]! + 1.9) < 1e-5);
  });

  test('jitter of the clock is interpolated: a ramp stays a ramp', async () => {
    const jittered = even.map((t, i) => (i === 0 || i === 49 ? t : t + 0.03 * Math.sin(7 * i)));
    const signal = await readSignalCsv(await write(ramp(jittered)));
    const read = signal.read(0, 5);
    for (let i = 0; i < 50; i++) assert.ok(Math.abs(read[2 * i]! - i / 5) < 1e-5, `sample ${i}`);
  });

  test('openInput takes it as a video with a signal', async () => {
    const input = await openInput(await write(ramp(even)));
    assert.ok(Math.abs(input.duration - 5) < 1e-9);
    assert.equal((await input.signal!()).read(0, 1).length, 20);
  });

  test('what is wrong is told with its line', async () => {
    const refused = async (text: string, message: RegExp) =>
      assert.rejects(readSignalCsv(await write(text)), (error: Error) => {
        assert.ok(error instanceof FileFormatError, String(error));
        assert.match(error.message, message);
        return true;
      });
    await refused('t,x\n0,1\n1,2\n', /column time/);
    await refused('time\n0\n1\n', /a column for each channel/);
    await refused('time,x\n0,1\n', /at least two samples/);
    await refused('time,x\n0,1\n1,a\n', /line 3: x is "a"/);
    await refused('time,x\n0,1\n1,1\n1,1\n2,1\n', /line 4: time is 1, it must be above/);
    await refused(ramp([...even, 30]), /line 52: .* without a sample/);
    const signal = await readSignalCsv(await write(ramp(even)));
    assert.throws(() => signal.read(4, 6), OptionError);
  });
});
