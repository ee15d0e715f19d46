/** Files as cameras, cutters and browsers leave them, and files that are none. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openVideo, type Picture, type Video } from '../../src/data/video/video.js';
import { encodeMp4 } from '../../src/data/video/video-encode.js';
import { FileFormatError, OptionError, ReleasedError } from '../../src/errors.js';
import { missingCase, sharedCase } from '../support/shared-data.js';
import { noVideoLibrary } from '../support/video-library.js';

const shape = { width: 4, height: 4, channels: 3 } as const;

async function withVideo<T>(file: string | Uint8Array, use: (video: Video) => Promise<T>): Promise<T> {
  const video = await openVideo(file);
  try {
    return await use(video);
  } finally {
    await video.close();
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const near = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs(actual! - expected) < 1e-3, `${actual} is not ${expected}`);

/** A test on a file of ../shared/cases/video. */
function onFile(name: string, what: string, use: (video: Video) => Promise<void>): void {
  const path = `video/${name}`;
  it(`${name}: ${what}`, { skip: noVideoLibrary || missingCase(path) }, () =>
    withVideo(sharedCase(path), use),
  );
}

describe('the clock of a video is that of a player', () => {
  onFile('cut-with-preroll.mp4', 'what the edit list cuts off is not seen', async (video) => {
    near(video.duration, 7.5);
    const times = await video.frameTimes();
    assert.equal(times.length, 225);
    times.forEach((time, i) => {
      near(time, i / 30);
    });
    const frames = await all(video.frames(shape));
    assert.deepEqual(
      frames.map(({ seconds }) => seconds),
      times,
    );
    const [first] = await all(video.pictures([0]));
    const [again] = await all(video.frames({ width: first!.width, height: first!.height, channels: 3 }));
    assert.deepEqual(
      first!.pixels.filter((_, i) => i % 4 < 3),
      again!.pixels,
    );
    assert.equal((await all(video.frames(shape, 3))).length, 23);
  });

  for (const name of ['offset.mp4', 'offsetav.mp4']) {
    onFile(name, 'pictures may begin after 0, and the first is given before', async (video) => {
      near(video.duration, 6);
      const times = await video.frameTimes();
      assert.equal(times.length, 100);
      near(times[0], 2);
      near(times.at(-1), 5.96);
      const frames = await all(video.frames(shape, 2));
      assert.equal(frames.length, 12);
      // A ramp from black to white.
      const levels = frames.map(({ pixels }) => pixels[0]!);
      assert.deepEqual(levels.slice(0, 5), new Array(5).fill(levels[0]));
      assert.ok(levels.slice(4).every((level, i, list) => i === 0 || level > list[i - 1]!));
    });
  }

  onFile('vfr.mp4', 'frames may last for any time', async (video) => {
    near(video.duration, 4);
    const times = await video.frameTimes();
    assert.equal(times.length, 54);
    near(times.at(-1), 3.96);
    assert.equal((await all(video.frames(shape, 25))).length, 100);
  });
});

describe('a file without an index', () => {
  onFile('no-cues-g300.webm', 'gives every frame in order and at any rate', async (video) => {
    near(video.duration, 12);
    const frames = await all(video.frames(shape));
    assert.equal(frames.length, 360);
    for (const rate of [0.5, 3, 7]) {
      const some = await all(video.frames(shape, rate));
      assert.equal(some.length, Math.ceil(12 * rate));
      for (const { seconds, pixels } of some) {
        const shown = frames.findLast((frame) => frame.seconds <= seconds + 5e-4);
        assert.deepEqual(pixels, shown!.pixels);
      }
    }
    const backwards = await all(video.pictures([11, 5, 0.5]));
    const forwards = await all(video.pictures([0.5, 5, 11]));
    assert.deepEqual(
      backwards.map(({ pixels }) => pixels),
      forwards.map(({ pixels }) => pixels).reverse(),
    );
  });
});

describe('a video whose size changes', () => {
  onFile('resdown.webm', 'gives each frame its own size and colour', async (video) => {
    const pictures = await all(video.pictures([0, 1.9, 2.1, 3.9]));
    const size = ({ width, height }: Picture) => `${width} x ${height}`;
    assert.deepEqual(pictures.map(size), ['320 x 240', '320 x 240', '160 x 120', '160 x 120']);
    for (const [i, { width, height, pixels }] of pictures.entries()) {
      assert.equal(pixels.length, width * height * 4);
      assertColour(pixels, i < 2 ? [0, 0, 255] : [255, 0, 0]);
    }
    for (const { seconds, pixels } of await all(video.frames({ width: 8, height: 6, channels: 3 }))) {
      const blue = seconds < 1.99;
      for (let at = 0; at < pixels.length; at += 3) {
        assert.ok(blue ? pixels[at + 2]! > 250 && pixels[at]! < 5 : pixels[at]! > 250 && pixels[at + 2]! < 5);
      }
    }
  });
});

function assertColour(rgba: Uint8Array, colour: readonly number[], tolerance = 2): void {
  for (let at = 0; at < rgba.length; at += 4) {
    const distance = Math.max(...colour.map((value, i) => Math.abs(rgba[at + i]! - value)));
    assert.ok(distance <= tolerance, `${rgba.slice(at, at + 3)} is not ${colour}`);
  }
}

describe('colours', () => {
  // The bars as FFmpeg decodes them: in the middle of each, at a third of the height.
  const bars = {
    'full601.mp4': '191 191 191, 192 191 0, 0 190 190, 0 191 0, 191 0 192, 191 0 0, 0 0 192',
    'lim709.mp4': '187 189 186, 189 187 0, 0 189 187, 0 186 0, 187 0 188, 187 0 0, 0 0 187',
  };
  for (const [name, colours] of Object.entries(bars)) {
    onFile(name, 'are those of its matrix and range', async (video) => {
      const [{ pixels, width }] = (await all(video.pictures([0.5]))) as [Picture];
      for (const [i, colour] of colours.split(', ').entries()) {
        const at = 4 * (80 * width + Math.round(((i + 0.5) * width) / 7));
        assertColour(pixels.slice(at, at + 4), colour.split(' ').map(Number));
      }
    });
  }
});

describe('a picture stands upright', { skip: noVideoLibrary }, () => {
  const [width, height] = [64, 48];
  // Red at the left, blue at the right; the upper half is dark.
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return (x < width / 2 ? i % 3 === 0 : i % 3 === 2) ? (y < height / 2 ? 100 : 250) : 0;
  });
  /** The quarters of the picture in reading order. */
  const corners = ({ pixels, width, height }: Picture) =>
    [0.25, 0.75].flatMap((y) =>
      [0.25, 0.75].map((x) => {
        const at = 4 * (Math.floor(y * height) * width + Math.floor(x * width));
        const [red, , blue] = pixels.subarray(at, at + 3) as Uint8Array & [number, number, number];
        return `${Math.max(red, blue) > 170 ? 'light' : 'dark'} ${red > blue ? 'red' : 'blue'}`;
      }),
    );

  for (const [name, matrix, sizes, wanted] of [
    ['as it is', [1, 0, 0, 1], [64, 48], 'dark red, dark blue, light red, light blue'],
    ['turned by 90 degrees', [0, 1, -1, 0], [48, 64], 'light red, dark red, light blue, dark blue'],
    ['turned by 180 degrees', [-1, 0, 0, -1], [64, 48], 'light blue, light red, dark blue, dark red'],
    ['turned by 270 degrees', [0, -1, 1, 0], [48, 64], 'dark blue, light blue, dark red, light red'],
    ['mirrored', [-1, 0, 0, 1], [64, 48], 'dark blue, dark red, light blue, light red'],
  ] as const) {
    it(name, async () => {
      const file = await encodeMp4([pixels], { width, height, rate: 1 });
      const view = new DataView(file.buffer, Buffer.from(file.buffer).indexOf('tkhd') + 44);
      for (const [i, value] of [matrix[0], matrix[1], 0, matrix[2], matrix[3]].entries())
        view.setInt32(4 * i, value * 2 ** 16);
      await withVideo(file, async (video) => {
        const [picture] = (await all(video.pictures([0]))) as [Picture];
        assert.deepEqual([picture.width, picture.height], sizes);
        assert.deepEqual([video.width, video.height], sizes);
        assert.equal(corners(picture).join(', '), wanted);
      });
    });
  }
});

describe('a video with alpha', { skip: noVideoLibrary }, () => {
  it('has opaque colours', async () => {
    const file = readFileSync(new URL('../../../test/unit/videos/alpha.webm', import.meta.url));
    await withVideo(new Uint8Array(file), async (video) => {
      assert.equal((await all(video.frames(shape))).length, 10);
      const [{ pixels }] = (await all(video.pictures([0.5]))) as [Picture];
      assert.deepEqual([...pixels.slice(0, 4)], [189, 189, 189, 255]);
    });
  });
});

describe('a file that is not a whole video', { skip: noVideoLibrary }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tal-video-files-'));
  after(() => rmSync(folder, { recursive: true }));
  const save = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  const refused = (file: string, pattern: RegExp) =>
    assert.rejects(openVideo(file), (error: Error) => {
      assert.ok(error instanceof FileFormatError, `${error.name}: ${error.message}`);
      assert.ok(error.message.startsWith(file), error.message);
      assert.match(error.message, pattern);
      assert.doesNotMatch(error.message, /Assertion/);
      return true;
    });

  it('is refused with its name and what was expected', async () => {
    for (const ending of ['mp4', 'mov', 'webm', 'mkv', 'ts']) {
      await refused(save(`empty.${ending}`, ''), /is empty: expected a whole MP4/);
      await refused(save(`text.${ending}`, 'no video\n'), /is not a video file: expected a whole MP4/);
    }
    await refused(save('list.mp4', '#EXTM3U\n#EXTINF:1,\nx.ts\n'), /expected a whole MP4/);
  });

  it('is refused where it is cut short', async () => {
    const whole = await encodeMp4([new Uint8Array(64 * 64 * 3)], { width: 64, height: 64, rate: 1 });
    for (const length of [12, 40, 100, whole.length >> 1, whole.length - 1])
      await refused(save('cut.mp4', whole.subarray(0, length)), /cut short|moov|expected/);
    const moov = Buffer.from(whole).indexOf('moov');
    await refused(save('no-moov.mp4', whole.subarray(0, moov - 4)), /no moov box/);
  });

  it('is refused where no byte of its tables makes sense', async () => {
    const whole = await encodeMp4([new Uint8Array(64 * 64 * 3)], { width: 64, height: 64, rate: 1 });
    for (const box of ['mvhd', 'tkhd', 'mdhd', 'stbl', 'stsd', 'stts', 'stsz', 'stco']) {
      const damaged = whole.slice();
      const at = Buffer.from(whole).indexOf(box);
      damaged.fill(0xff, at + 4, at + 40);
      const path = save(`${box}.mp4`, damaged);
      await withVideo(path, async (video) => {
        await all(video.frames(shape));
      }).catch((error: Error) => {
        assert.match(error.name, /^(FileFormatError|FeatureError)$/, `${box}: ${error.stack}`);
        assert.ok(error.message.startsWith(path), error.message);
      });
    }
  });

  const webm = 'video/resdown.webm';
  it('is refused where a WebM file is cut short', { skip: missingCase(webm) }, async () => {
    const whole = readFileSync(sharedCase(webm));
    await refused(save('cut.webm', whole.subarray(0, whole.length - 200)), /cut short/);
  });

  const piped = 'video/no-cues-g300.webm';
  it('is refused where a WebM file from a pipe is cut in a cluster', {
    skip: missingCase(piped),
  }, async () => {
    const whole = readFileSync(sharedCase(piped));
    await refused(save('cut-pipe.webm', whole.subarray(0, whole.length - 200)), /last cluster ends at byte/);
  });

  it('is no path and no bytes', async () => {
    await assert.rejects(openVideo(7 as never), OptionError);
  });
});

describe('a video that was closed', { skip: noVideoLibrary }, () => {
  it('gives no more frames', async () => {
    const file = await encodeMp4([new Uint8Array(64 * 64 * 3)], { width: 64, height: 64, rate: 1 });
    const video = await openVideo(file);
    await video.close();
    await video.close();
    assert.throws(() => video.frames(shape), ReleasedError);
    assert.throws(() => video.pictures([0]), ReleasedError);
    await assert.rejects(video.frameTimes(), ReleasedError);
  });
});
