import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HostRandom } from '../../src/data/host-random.js';
import type { Video } from '../../src/data/video/video.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';
import { openInput } from '../../src/datasets/open-input.js';
import type { VideoDataset } from '../../src/datasets/video-dataset.js';
import { FileAccessError, FileFormatError, OptionError, ReleasedError } from '../../src/errors.js';
import { openModel } from '../../src/models/open-model.js';
import { temporalIoU } from '../../src/time/segment.js';
import { testRuntime } from '../support/runtime.js';

const checkpoints = fileURLToPath(new URL('../../../checkpoints/', import.meta.url));
const worldFiles = [
  'world-map-diffusion/config.json',
  'world-map-diffusion/model.safetensors',
  'words/glove-100d.safetensors',
];

/** A video of the built-in world without a file. */
function rendered(index: number, repeats = 1): Video {
  const { duration, frames } = worldVideo(worldSeed('test', index));
  return {
    duration: repeats * duration,
    width: 64,
    height: 64,
    async *frames(shape, rate = 25) {
      const all = worldVideo(worldSeed('test', index)).frames(rate, shape);
      const size = shape.width * shape.height * shape.channels;
      for (let i = 0; i < (repeats * all.length) / size; i++) {
        const at = (i * size) % all.length;
        yield { seconds: i / rate, pixels: all.subarray(at, at + size) };
      }
    },
    frameTimes: async () => assert.fail(`the model looks at frames at a rate, ${frames.length}`),
    pictures: () => assert.fail('the model looks at frames at a rate'),
    close: async () => {},
  };
}

describe('openModel', async () => {
  const runtime = await testRuntime();
  const { queries } = worldVideo(worldSeed('test', 0));
  const request = { query: queries[0]!.query, options: { steps: 2 } };
  let address = '';
  const server = createServer((incoming, response) => {
    const path = new URL(incoming.url!, 'http://localhost').pathname;
    const whole = path.startsWith('/whole/');
    let bytes: Buffer;
    try {
      bytes = readFileSync(join(checkpoints, path.replace('/whole/', '/')));
    } catch {
      // As development servers of pages do.
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
      return;
    }
    const [, first, last] = /bytes=(\d+)-(\d+)/.exec(incoming.headers.range ?? '') ?? [];
    const type = extname(path) === '.json' ? 'application/json' : 'application/octet-stream';
    if (first === undefined || whole) {
      response.writeHead(200, { 'content-type': type }).end(bytes);
      return;
    }
    const part = bytes.subarray(Number(first), Number(last) + 1);
    const range = `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`;
    response.writeHead(206, { 'content-type': type, 'content-range': range }).end(part);
  });
  before(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  it('opens a folder, its address and its bytes, which find the same', async () => {
    const bytes = new Map(
      worldFiles.map((file) => [file.replace(/^.*\//, ''), readFileSync(join(checkpoints, file))]),
    );
    const video = await openInput(rendered(0));
    const sources = [
      join(checkpoints, 'world-map-diffusion'),
      `${address}/world-map-diffusion`,
      new URL(`${address}/whole/world-map-diffusion/`),
      bytes,
    ];
    const found = [];
    for (const source of sources) {
      const seen: number[] = [];
      const model = await openModel(source, { runtime, onProgress: (done) => void seen.push(done) });
      assert.ok(seen.length > 0);
      assert.deepEqual(
        [model.architecture, model.input, model.finds],
        ['map-diffusion', 'video', ['moments']],
      );
      found.push(await model.localize(video, request));
      model.dispose();
    }
    const [first, ...others] = found;
    for (const other of others) assert.deepEqual(other, first);
    const [best] = first!.segments;
    assert.equal(best!.label, request.query);
    assert.ok(temporalIoU(best!.segment, queries[0]!.span) > 0.5, `${best!.segment} for ${queries[0]!.span}`);
  });

  it('looks at a video longer than its window in windows', async () => {
    using model = await openModel(join(checkpoints, 'world-map-diffusion'), { runtime });
    const video = await openInput(rendered(0, 3));
    const once = worldVideo(worldSeed('test', 0)).duration;
    const progress: number[] = [];
    const { segments } = await model.localize(video, {
      ...request,
      onProgress: (done, total) => void progress.push(done / total),
    });
    assert.equal(progress.at(-1), 1);
    // What happens once in the video happens three times in three of it.
    const truths = [0, 1, 2].map((i) => queries[0]!.span.map((t) => i * once + t) as [number, number]);
    const hit = segments
      .slice(0, 6)
      .filter(({ segment }) => truths.some((truth) => temporalIoU(truth, segment) > 0.4));
    assert.ok(hit.length >= 2, `${segments.slice(0, 6).map(({ segment }) => segment)} for ${truths}`);
    // A window of the long video is the video.
    const alone = await model.localize(await openInput(rendered(0)), request);
    const excerpt = await model.localize(video, { ...request, excerpt: [0, once] });
    assert.deepEqual(excerpt.segments, alone.segments);
  });

  it('predicts for the queries of a data set what it localizes', async () => {
    using model = await openModel(join(checkpoints, 'world-map-diffusion'), { runtime });
    const video = await openInput(rendered(0));
    const data: VideoDataset = {
      name: 'world',
      classes: [],
      splits: ['test'],
      items: () => [
        {
          ...video,
          id: 'a',
          annotations: {
            queries: queries.slice(0, 2).map(({ query, span }, id) => ({
              id,
              text: query,
              excerpt: [0, video.duration],
              windows: [span],
              kind: '',
            })),
          },
        },
      ],
      close: async () => {},
    };
    const { moments } = await model.predict(data, 'test', { options: request.options });
    const { segments } = await model.localize(video, request);
    assert.deepEqual([...moments!.keys()], [0, 1]);
    assert.deepEqual(
      moments!.get(0)!.map(({ segment }) => segment),
      segments.map(({ segment }) => segment),
    );
  });

  it('opens a model that answers about signals, a moment a window', async () => {
    const folder = join(checkpoints, 'hapt-mdvlm-tiny');
    using model = await openModel(folder, { runtime });
    assert.deepEqual([model.architecture, model.input, model.finds], ['signal-mdvlm', 'signal', ['moments']]);
    const [rate, duration] = [50, 120];
    const channels = ['acc_x', 'acc_y', 'acc_z', 'gyro_x', 'gyro_y', 'gyro_z'];
    const random = new HostRandom(3);
    const samples = Float32Array.from({ length: duration * rate * channels.length }, () => random.normal());
    const signal = async () => ({
      ...{ rate, channels, duration },
      read: (start: number, end: number) =>
        samples.slice(
          ...([start, end].map((t) => Math.round(t * rate) * channels.length) as [number, number]),
        ),
    });
    const warnings: string[] = [];
    const asked = {
      query: 'the person walks frobnicating',
      onWarning: (text: string) => void warnings.push(text),
    };
    const whole = await model.localize({ duration, signal }, asked);
    assert.deepEqual(warnings, ['words that the model does not know: frobnicating']);
    // It sees 96 s: two windows, whose answers soft-NMS keeps.
    assert.equal(whole.segments.length, 2);
    for (const { label, segment } of whole.segments) {
      assert.equal(label, asked.query);
      assert.ok(0 <= segment[0] && segment[0] <= segment[1] && segment[1] <= duration, `${segment}`);
    }
    const last = { ...asked, excerpt: [100, 120] as const, options: { steps: 1, revise: 0.2 } };
    const { segments } = await model.localize({ duration, signal }, last);
    assert.equal(segments.length, 1);
    assert.ok(100 <= segments[0]!.segment[0] && segments[0]!.segment[1] <= 120);
    await assert.rejects(
      model.localize({ duration, signal }, { ...asked, options: { rho: 2 } }),
      /localize: .*rho/,
    );
    await assert.rejects(
      model.localize({ duration, signal }, { ...asked, options: { onProgress: () => {} } }),
      /unknown option onProgress/,
    );
    await assert.rejects(model.localize({ duration, signal }, { query: 'a '.repeat(21) }), /has 21 words/);
    await assert.rejects(model.localize({ duration }, asked), /has no signal/);
    await assert.rejects(openModel(folder, { runtime, dtype: 'f16' }), /keeps its weights in f32/);
  });

  it('frees what it opened', async () => {
    await runtime.finish();
    const before = runtime.memory.usedBytes;
    const model = await openModel(join(checkpoints, 'world-map-diffusion'), { runtime });
    await model.localize(await openInput(rendered(0)), request);
    model.dispose();
    model.dispose();
    assert.equal(runtime.memory.usedBytes, before);
    await assert.rejects(model.localize(await openInput(rendered(0)), request), ReleasedError);
  });

  it('refuses what is no model, and requests that do not fit', async () => {
    const config = (value: unknown) =>
      new Map([['config.json', new TextEncoder().encode(JSON.stringify(value))]]);
    const open = (source: Parameters<typeof openModel>[0]) => openModel(source, { runtime });
    await assert.rejects(open(config({ architecture: 'map-difusion' })), FileFormatError);
    await assert.rejects(open(config({ architecture: 7 })), /architecture is 7, not a string/);
    await assert.rejects(open(config([])), FileFormatError);
    await assert.rejects(open(new Map()), FileAccessError);
    await assert.rejects(open(join(checkpoints, 'none')), FileAccessError);
    await assert.rejects(open(`${address}/none`), /answers with a page/);
    await assert.rejects(
      openModel(join(checkpoints, 'world-map-diffusion'), { runtime, dtype: 'int8' }),
      /keeps its weights in f32/,
    );
    using model = await open(join(checkpoints, 'world-map-diffusion'));
    const video = await openInput(rendered(0));
    const { query } = request;
    await assert.rejects(model.localize(video), /needs query/);
    await assert.rejects(model.localize(video, { query: ' ' }), OptionError);
    await assert.rejects(model.localize(video, { query: 'qzx' }), /knows no word/);
    await assert.rejects(model.localize(video, { query, options: { step: 2 } }), /steps/);
    await assert.rejects(model.localize(video, { query, excerpt: [0, 1e3] }), /within the video/);
    await assert.rejects(model.localize({ duration: 3 }, { query }), /has no frames of a video/);
    await assert.rejects(
      openModel(join(checkpoints, 'world-map-diffusion'), {
        runtime,
        signal: AbortSignal.abort(new Error('enough')),
      }),
      /enough/,
    );
    await assert.rejects(
      model.localize(video, { query, signal: AbortSignal.abort(new Error('enough')) }),
      /enough/,
    );
  });
});
