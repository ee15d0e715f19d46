import { captionedVideos } from '../../data/annotations/annotated-video.js';
import type { OnRefused } from '../../data/formats/json-record.js';
import { isObject } from '../../data/formats/safetensors-header.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { Layout, LayoutFile } from './layout.js';
import { splitFiles } from './split-files.js';

const FILE = /^(train|val(?:_[12])?|test)\.json$/;

/** ActivityNet Captions: sentences with times, which are captions as well as queries. */
export const activitynetCaptions: Layout = {
  name: 'activitynet-captions',
  title: 'ActivityNet Captions',
  async looksLike(folder: DatasetFolder) {
    const files = await splitFiles(folder, FILE, isCaptions);
    return files && { annotations: { layout: 'activitynet-captions', files } };
  },
  read,
};

/** Times are seconds: TACoS, which has the same fields, gives frames and their rate. */
function isCaptions(content: unknown): boolean {
  const first = Object.values(Object(content))[0];
  return (
    isObject(first) && ['duration', 'timestamps', 'sentences'].every((name) => Object.hasOwn(first, name))
  );
}

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const videos = (await captionedVideos(path, onRefused)).map(({ video, duration, events }) => {
    const captions = events.map(({ text, spans: [segment] }) => ({ text, segment }));
    return {
      id: video,
      where: `${path}: ${video}`,
      duration,
      annotations: {
        captions,
        queries: captions.map(({ text, segment }, i) => ({ id: `${video}/${i}`, text, windows: [segment] })),
      },
    };
  });
  return { videos };
}
