import { readActivities } from '../../data/annotations/activities.js';
import { type OnRefused, readEach } from '../../data/formats/json-record.js';
import type { LabelledSegment } from '../../time/segment.js';
import type { FoundFile } from '../dataset-folder.js';
import type { Annotations } from '../video-dataset.js';
import type { Layout, LayoutFile } from './layout.js';

/** Names under which the annotations are distributed: by ActivityNet, and by BSN, as one object without splits. */
const FILES = /^(activity_net\.v1-[23](\.min)?|anet_anno_action)\.json$/;
/** The subset whose annotations are kept back. */
const TESTING = 'testing';

/** ActivityNet 1.2 and 1.3: labelled segments. */
export const activitynet: Layout = {
  name: 'activitynet',
  title: 'ActivityNet 1.2 and 1.3 (also THUMOS-14 in that form)',
  async looksLike({ names }) {
    const [file, ...others] = names.filter((name) => FILES.test(name));
    if (file === undefined || others.length > 0) return undefined;
    return { annotations: { layout: 'activitynet', files: file } };
  },
  read,
};

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const videos = readEach(
    await readActivities(path, undefined, onRefused),
    ({ id, record, subset, duration, frameRate, segments }) => ({
      id,
      where: record.where,
      ...(subset !== undefined && { split: subset }),
      ...(duration !== undefined && { duration }),
      ...(frameRate !== undefined && { frameRate }),
      annotations: annotationsOf(subset, segments()),
    }),
    onRefused,
  );
  return { videos };
}

/** Nothing is known of a video whose answer is kept back. */
const annotationsOf = (subset: string | undefined, segments: readonly LabelledSegment[]): Annotations =>
  subset === TESTING && segments.length === 0 ? {} : { segments };
