import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { type FrameShape, frameCount } from '../../src/data/video/frame.js';
import { rgbToI420 } from '../../src/data/video/i420.js';
import { frameResizer, turnFrame } from '../../src/data/video/resize-frame.js';
import { openVideo } from '../../src/data/video/video.js';
import { encodeMp4 } from '../../src/data/video/video-encode.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';
import { FileAccessError, FileFormatError, OptionError } from '../../src/errors.js';
import { missing, sharedData } from '../support/shared-data.js';
import { noVideoLibrary } from '../support/video-library.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-video-'));
after(() => rmSync(folder, { recursive: true }));

const shape = { width: 128, height: 96, channels: 3 } as const;
const small: FrameShape = { width: 32, height: 32, channels: 1 };
const rate = 12;
const video = worldVideo(worldSeed('validation', 1), { seconds: [10, 10] });
const rendered = Array.from({ length: 10 * rate }, (_, i) => video.frame(i / rate, shape));
const file = noVideoLibrary ? new Uint8Array() : await encodeMp4(rendered, { ...shape, rate });

/** Peak signal-to-noise ratio in decibels. */
function psnr(a: Uint8Array, b: Uint8Array): number {
  assert.equal(a.length, b.length);
  const squares = a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (squares / a.length));
}

async function decode(source: string | Uint8Array, ...request: [FrameShape, number?]) {
  const opened = await openVideo(source);
  const seconds: number[] = [];
  const frames: Uint8Array[] = [];
  for await (const frame of opened.frames(...request)) {
    seconds.push(frame.seconds);
    frames.push(frame.pixels);
  }
  const times = await opened.frameTimes();
  await opened.close();
  return { times, duration: opened.duration, width: opened.width, height: opened.height, seconds, frames };
}

describe('a video that was encoded here', { skip: noVideoLibrary }, () => {
  it('is an MP4 file of as many frames, times and pixels', async () => {
    assert.equal(Buffer.from(file).toString('latin1', 4, 8), 'ftyp');
    const decoded = await decode(file, shape);
    assert.deepEqual([decoded.duration, decoded.width, decoded.height], [10, 128, 96]);
    assert.equal(decoded.frames.length, rendered.length);
    for (const [i, seconds] of decoded.seconds.entries()) assert.ok(Math.abs(seconds - i / rate) < 1e-4);
    const ratios = decoded.frames.map((pixels, i) => psnr(pixels, rendered[i]!));
    assert.ok(Math.min(...ratios) > 26, `${Math.min(...ratios)} dB`);
    // The neighbouring frame would be farther from it: noise and motion differ.
    assert.ok(psnr(decoded.frames[30]!, rendered[30]!) > psnr(decoded.frames[30]!, rendered[31]!) + 1);
  });

  it('gives the frames of another rate and size', async () => {
    const { seconds, frames } = await decode(file, small, 4);
    assert.deepEqual(
      seconds,
      Array.from({ length: 40 }, (_, i) => i / 4),
    );
    for (const [i, pixels] of frames.entries()) {
      const rgba = new Uint8Array(128 * 96 * 4);
      const source = rendered[i * 3]!;
      for (let at = 0; at < 128 * 96; at++) rgba.set(source.subarray(3 * at, 3 * at + 3), 4 * at);
      const ratio = psnr(pixels, frameResizer(128, 96, small)(rgba));
      assert.ok(ratio > 32, `frame ${i}: ${ratio} dB`);
    }
  });

  it('gives frames as large as they are, at times in any number', async () => {
    const opened = await openVideo(file);
    const times = await opened.frameTimes();
    assert.equal(times.length, rendered.length);
    for (const [i, seconds] of times.entries()) assert.ok(Math.abs(seconds - i / rate) < 1e-4);
    const { frames } = await decode(file, shape);
    const wanted = [0, 3, 3, 57, 119];
    let count = 0;
    for await (const picture of opened.pictures(wanted.map((frame) => times[frame]!))) {
      const frame = wanted[count++]!;
      assert.deepEqual([picture.width, picture.height, picture.seconds], [128, 96, times[frame]]);
      assert.deepEqual(
        picture.pixels.filter((_, i) => i % 4 < 3),
        frames[frame],
      );
    }
    assert.equal(count, wanted.length);
    for await (const _ of opened.pictures([])) assert.fail('no time was given');
    await opened.close();
  });

  it('may be left before its end, and read twice', async () => {
    const opened = await openVideo(file);
    const firsts: Uint8Array[] = [];
    for (let time = 0; time < 2; time++) {
      for await (const { pixels } of opened.frames(small, 4)) {
        firsts.push(pixels);
        break;
      }
    }
    await opened.close();
    assert.deepEqual(firsts[0], firsts[1]);
  });
});

describe('opening a video', { skip: noVideoLibrary }, () => {
  const save = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  it('refuses what is no video, and says which file', async () => {
    await assert.rejects(openVideo(join(folder, 'nowhere.mp4')), FileAccessError);
    await assert.rejects(openVideo(folder), FileAccessError);
    const text = save('text.mp4', 'no video');
    await assert.rejects(openVideo(text), (error: Error) => {
      assert.ok(error instanceof FileFormatError);
      assert.match(error.message, /text\.mp4/);
      return true;
    });
    await assert.rejects(openVideo(save('empty.mp4', '')), FileFormatError);
    await assert.rejects(openVideo(file.subarray(0, 60)), FileFormatError);
  });

  it('refuses a file without pictures', async () => {
    const wav = Buffer.alloc(44 + 800);
    wav.write('RIFF', 0, 'latin1');
    wav.writeUInt32LE(36 + 800, 4);
    wav.write('WAVEfmt ', 8, 'latin1');
    wav.writeUInt32LE(16, 16);
    for (const [at, value] of [
      [20, 1],
      [22, 1],
      [32, 1],
      [34, 8],
    ] as const)
      wav.writeUInt16LE(value, at);
    wav.writeUInt32LE(8000, 24);
    wav.writeUInt32LE(8000, 28);
    wav.write('data', 36, 'latin1');
    wav.writeUInt32LE(800, 40);
    await assert.rejects(openVideo(wav), /no video track/);
  });

  it('refuses a damaged one while reading it', async () => {
    const damaged = file.slice();
    const pictures = Buffer.from(damaged).indexOf('mdat');
    damaged.fill(0xff, pictures + 8);
    await assert.rejects(decode(damaged, small), FileFormatError);
  });

  it('refuses shapes and rates that are none', async () => {
    const opened = await openVideo(file);
    assert.throws(() => opened.frames({ ...small, width: 0 }), OptionError);
    for (const wrong of [0, -1, Number.NaN, Infinity])
      assert.throws(() => opened.frames(small, wrong), OptionError);
    await opened.close();
  });
});

describe('encoding a video', { skip: noVideoLibrary }, () => {
  it('refuses odd sizes and frames of another size', async () => {
    await assert.rejects(encodeMp4([], { width: 127, height: 96, rate }), OptionError);
    await assert.rejects(encodeMp4([], { width: 128, height: 96, rate: 0 }), OptionError);
    await assert.rejects(encodeMp4([new Uint8Array(5)], { ...shape, rate }), /frame 0 has 5 bytes/);
  });
});

describe('real videos', { skip: noVideoLibrary }, () => {
  const short = ['activitynet_videos/v_GGSY1Qvo990.mp4', 'univtg_charades_Y1HGC/Y1HGC.mp4'];
  const long = ['activitynet_videos/v_ZNVhz7ctTq0.mp4', 'bmt_long_jump/women_long_jump.mp4'];

  /** Pictures of the video track, from its sample table. */
  function sampleCount(path: string): number {
    const bytes = readFileSync(path);
    const tracks = bytes.toString('latin1').split('trak').slice(1);
    const track = tracks.find((box) => box.includes('vide'))!;
    return Buffer.from(track, 'latin1').readUInt32BE(track.indexOf('stsz') + 12);
  }

  for (const path of short) {
    it(`${path}: every frame is decoded, and at 4 frames a second`, { skip: missing(path) }, async () => {
      const all = await decode(sharedData(path), small);
      assert.equal(all.frames.length, sampleCount(sharedData(path)));
      assert.ok(all.seconds.every((seconds, i) => i === 0 || seconds > all.seconds[i - 1]!));
      assert.deepEqual(all.times, all.seconds);
      const some = await decode(sharedData(path), small, 4);
      assert.equal(some.frames.length, frameCount(some.duration, 4));
      // Each is what is on the screen then.
      for (const [i, pixels] of some.frames.entries()) {
        const shown = all.seconds.findLastIndex((seconds) => seconds <= i / 4 + 5e-4);
        assert.deepEqual(pixels, all.frames[shown]);
      }
    });
  }

  for (const path of long) {
    it(`${path}: a frame every four seconds`, { skip: missing(path) }, async () => {
      const some = await decode(sharedData(path), small, 0.25);
      assert.equal(some.frames.length, frameCount(some.duration, 0.25));
      assert.ok(some.seconds.every((seconds, i) => Math.abs(seconds - 4 * i) < 1e-3));
    });
  }
});

describe('resizing', () => {
  const sizes = fc.integer({ min: 1, max: 24 });

  it('gives the mean of the area under each pixel', () => {
    fc.assert(
      fc.property(sizes, sizes, sizes, sizes, fc.integer(), (width, height, newWidth, newHeight, seed) => {
        const rgba = Uint8Array.from(
          { length: width * height * 4 },
          (_, i) => (Math.imul(i, seed | 1) >>> 7) & 255,
        );
        const resized = frameResizer(width, height, { width: newWidth, height: newHeight, channels: 3 })(
          rgba,
        );
        // The same by sums over a grid that both sizes divide.
        for (let y = 0; y < newHeight; y++) {
          for (let x = 0; x < newWidth; x++) {
            for (let channel = 0; channel < 3; channel++) {
              let sum = 0;
              for (let fineY = y * height; fineY < (y + 1) * height; fineY++) {
                for (let fineX = x * width; fineX < (x + 1) * width; fineX++) {
                  const from = Math.floor(fineY / newHeight) * width + Math.floor(fineX / newWidth);
                  sum += rgba[from * 4 + channel]!;
                }
              }
              const mean = sum / (width * height);
              assert.ok(Math.abs(resized[(y * newWidth + x) * 3 + channel]! - mean) <= 0.501);
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('turns clockwise', () => {
    const turn = (quarters: number, width: number, height: number) =>
      [
        ...turnFrame(
          Uint8Array.of(1, 2, 3, 4, 5, 6),
          { quarters, mirrored: false },
          { width, height, channels: 1 },
        ),
      ].join('');
    // 1 2 3 over 4 5 6.
    assert.equal(turn(0, 3, 2), '123456');
    assert.equal(turn(1, 2, 3), '415263');
    assert.equal(turn(2, 3, 2), '654321');
    assert.equal(turn(3, 2, 3), '362514');
    // Two pixels of four bytes beside each other.
    const pair = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    assert.deepEqual(
      [...turnFrame(pair, { quarters: 3, mirrored: false }, { width: 1, height: 2, channels: 4 })],
      [5, 6, 7, 8, 1, 2, 3, 4],
    );
  });
});

describe('the colours of codecs', () => {
  it('are those of ITU-R BT.601', () => {
    const plain = (...rgb: number[]) => [...rgbToI420(Uint8Array.from([rgb, rgb, rgb, rgb].flat()), 2, 2)];
    assert.deepEqual(plain(0, 0, 0), [16, 16, 16, 16, 128, 128]);
    assert.deepEqual(plain(255, 255, 255), [235, 235, 235, 235, 128, 128]);
    assert.deepEqual(plain(255, 0, 0), [81, 81, 81, 81, 90, 240]);
    assert.deepEqual(plain(0, 0, 255), [41, 41, 41, 41, 240, 110]);
  });
});
