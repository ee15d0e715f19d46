// Natural language video localization: the model that ships with the repository finds a sentence's moment in a video.
//   node examples/moments.mjs
import { fileURLToPath } from 'node:url';
import { Runtime } from 'tal-webgpu';
import { worldSeed, worldVideo } from 'tal-webgpu/data';
import { loadMapDiffusion, localizeMoments, WorldExamples } from 'tal-webgpu/models/map-diffusion';

const folder = fileURLToPath(new URL('../checkpoints/world-map-diffusion', import.meta.url));
const runtime = await Runtime.create();
const { model, words } = await loadMapDiffusion(runtime, folder);

// Three videos of the built-in world that training never saw, two queries each. For a video file, see `openVideo`.
const data = new WorldExamples(model.config, 'test', 3, 2, words);
const found = await localizeMoments(model, data, { steps: 10 });

let query = 0;
for (let i = 0; i < data.size; i++) {
  const { duration } = worldVideo(worldSeed('test', i));
  for (const { spans } of data.example(i).queries) {
    const [{ segment, score }] = found[query++];
    const seconds = ([start, end]) => `${start.toFixed(1)} - ${end.toFixed(1)} s`;
    console.log(
      `video ${i} (${duration} s): found ${seconds(segment)}, score ${score.toFixed(2)}; true ${seconds(spans[0])}`,
    );
  }
}
runtime.destroy();
