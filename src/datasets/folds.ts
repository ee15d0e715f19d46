import { callback, checkArguments, integer, optional, someOf, text } from '../arguments.js';
import { HostRandom } from '../data/host-random.js';
import { OptionError } from '../errors.js';
import { datasetRule } from './dataset-rule.js';
import type { VideoDataset, VideoItem } from './video-dataset.js';

export interface FoldsOptions {
  /** The splits whose videos are dealt; default: all. */
  readonly splits?: readonly string[];
  /** Videos for which it says the same are in one fold, such as those of one person; default: each by itself. */
  readonly groupOf?: (id: string) => string;
}

/**
 * Data sets for cross-validation: each has the videos of one fold as `test`, and all others as `train`. Videos are dealt by
 * their first class in turn, in an order that is the same at each call, so that classes are spread evenly.
 * @param count of folds
 * @throws OptionError where there are fewer groups than folds
 */
export function foldsOf(data: VideoDataset, count: number, options: FoldsOptions = {}): VideoDataset[] {
  const { splits = data?.splits, groupOf = (id) => id } = options;
  checkArguments(
    'foldsOf',
    { data, count, splits, groupOf: options.groupOf },
    { data: datasetRule, count: integer(2), splits: someOf(text), groupOf: optional(callback) },
  );
  const videos = splits.flatMap((split) => data.items(split));
  const groups = new Map<string, VideoItem[]>();
  for (const video of videos) {
    const group = groupOf(video.id);
    groups.set(group, [...(groups.get(group) ?? []), video]);
  }
  if (groups.size < count)
    throw new OptionError(`foldsOf: count is ${count}, but there are only ${groups.size} groups of videos`);
  const all = [...groups.values()];
  const dealt = [...new HostRandom(0).permutation(all.length)].map((i) => all[i]!);
  dealt.sort(([a], [b]) => firstClass(a!).localeCompare(firstClass(b!), 'en'));
  return Array.from({ length: count }, (_, fold) => {
    const test = new Set(dealt.filter((_, i) => i % count === fold).flat());
    const items = new Map([
      ['train', videos.filter((video) => !test.has(video))],
      ['test', videos.filter((video) => test.has(video))],
    ]);
    return {
      name: `${data.name}, fold ${fold + 1} of ${count}`,
      classes: data.classes,
      splits: ['train', 'test'],
      items(split: string) {
        const found = items.get(split);
        if (found) return found;
        throw new OptionError(`VideoDataset.items: a fold has the splits train and test, not ${split}`);
      },
      ...(data.words && { words: () => data.words!() }),
      ...(data.priors && { priors: () => data.priors!() }),
      close: () => data.close(),
    };
  });
}

const firstClass = ({ annotations: { labels, segments } }: VideoItem): string =>
  labels?.[0] ?? segments?.[0]?.label ?? '';
