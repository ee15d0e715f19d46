// Natural language video localization: the model that ships with the repository finds a sentence's moment in a video.
//   node examples/moments.mjs
import { fileURLToPath } from 'node:url';
import { openModel } from 'tal-webgpu';
import { worldDataset } from 'tal-webgpu/datasets';

const model = await openModel(fileURLToPath(new URL('../checkpoints/world-map-diffusion', import.meta.url)));

// Three videos of the built-in world that training never saw, two queries each. For a video file, see `openInput`.
const videos = worldDataset().items('test').slice(0, 3);
for (const [i, video] of videos.entries()) {
  for (const { text, windows } of video.annotations.queries.slice(0, 2)) {
    const { segments } = await model.localize(video, { query: text, options: { steps: 10 } });
    const [{ segment, score }] = segments;
    const seconds = ([start, end]) => `${start.toFixed(1)} - ${end.toFixed(1)} s`;
    console.log(
      `video ${i} (${video.duration} s): found ${seconds(segment)}, score ${score.toFixed(2)}; true ${seconds(windows[0])}`,
    );
  }
}
model.dispose();
