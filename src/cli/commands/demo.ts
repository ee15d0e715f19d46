import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeWhole } from '../../data/files/output-file.js';
import { worldSeed, worldVideo } from '../../data/world/world.js';
import { OptionError } from '../../errors.js';
import { loadMapDiffusion } from '../../models/map-diffusion/model-folder.js';
import { Runtime } from '../../tensor/runtime.js';
import { temporalIoU } from '../../time/segment.js';
import { checkOutputs } from '../shared/outputs.js';
import { renderMomentPage } from '../views/moment-page.js';
import { printMoments } from '../views/moments-table.js';
import { watchDenoising, watchVideo } from '../views/watch-denoising.js';
import { writeWorldVideo } from './sample.js';

/** The model that ships with the package, trained by `tal train world`. */
export const worldModel = fileURLToPath(
  new URL('../../../../checkpoints/world-map-diffusion/', import.meta.url),
);

export interface DemoOptions {
  readonly plot: string;
  readonly video: number;
  readonly query: number;
}

/**
 * `tal demo`: a video of the built-in world that training never saw, as an mp4 file; a trained model looks at its
 * frames and denoises the map of a query; a page shows how.
 */
export async function demo({ plot, video: index, query: number }: DemoOptions): Promise<void> {
  await checkOutputs({ '--plot': plot });
  const world = worldVideo(worldSeed('test', index));
  const asked = world.queries[number];
  if (!asked) throw new OptionError(`video ${index} has the queries 0 to ${world.queries.length - 1}`);
  const folder = await mkdtemp(join(tmpdir(), 'tal-demo-'));
  const runtime = await Runtime.create();
  try {
    console.log(`adapter: ${runtime.traits.vendor} ${runtime.traits.description}`);
    const loaded = await loadMapDiffusion(runtime, worldModel);
    const path = join(folder, 'video.mp4');
    const bytes = await writeWorldVideo(path, world);
    console.log(
      `video ${index} of the test split: ${world.duration} s, ${bytes} bytes of mp4: ` +
        world.actions.map(({ name }) => name).join(', '),
    );
    const video = await watchVideo(loaded, path);
    console.log(`query: "${asked.query}"`);
    const { moments, maps } = await watchDenoising(loaded, video, asked.query, {
      steps: 50,
      shown: 5,
      seed: index,
    });
    printMoments(moments);
    const [start, end] = asked.span;
    const overlap = moments[0] ? temporalIoU(moments[0].segment, asked.span) : 0;
    console.log(`truth: ${start.toFixed(2)} - ${end.toFixed(2)} s, IoU of the first ${overlap.toFixed(2)}`);
    const page = renderMomentPage({
      title: 'Multi-scale 2D temporal map diffusion',
      subtitle: `Video ${index} of the built-in world, which training never saw; ${runtime.traits.description}`,
      duration: video.seconds,
      query: asked.query,
      frames: video.frames,
      frameShape: video.frameShape,
      actions: world.actions.map(({ name, start: from, end: to }) => ({ label: name, segment: [from, to] })),
      truth: asked.span,
      predictions: moments,
      maps,
      clips: loaded.model.config.layout.clips,
      secondsPerClip: video.input.unit,
    });
    await writeWhole(plot, page);
    console.log(`page written to ${plot}: open it in a browser`);
  } finally {
    runtime.destroy();
    await rm(folder, { recursive: true, force: true });
  }
}
