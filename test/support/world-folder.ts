import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWorldVideo } from '../../src/cli/commands/sample.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';

/**
 * Writes videos of the built-in world as a data set of one split, `validation`, with segments and queries.
 * @param seeds which videos of the test split
 */
export async function writeWorldFolder(folder: string, seeds: readonly number[]): Promise<string> {
  mkdirSync(join(folder, 'videos'), { recursive: true });
  const videos = [];
  let qid = 0;
  for (const seed of seeds) {
    const world = worldVideo(worldSeed('test', seed));
    const id = `video-${seed}`;
    await writeWorldVideo(join(folder, 'videos', `${id}.mp4`), world);
    videos.push({
      ...{ id, split: 'validation', duration: world.duration },
      segments: world.actions.map(({ name, start, end }) => ({ label: name, segment: [start, end] })),
      queries: world.queries.map(({ query, kind, span }) => ({
        ...{ id: qid++, text: query, kind, windows: [span] },
      })),
    });
  }
  writeFileSync(join(folder, 'annotations.json'), JSON.stringify({ videos }));
  const dataset = {
    annotations: { layout: 'tal', files: 'annotations.json' },
    videos: 'videos/{id}.mp4',
  };
  writeFileSync(join(folder, 'dataset.json'), JSON.stringify(dataset));
  return folder;
}
