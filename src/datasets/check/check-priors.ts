import { type WordVectors, wordsOf } from '../../data/text/words.js';
import { TalError } from '../../errors.js';
import type { OnFault } from '../fault.js';
import type { Priors, VideoPriors } from '../priors/priors.js';
import type { VideoDataset } from '../video-dataset.js';

/** Seconds by which a span may end after its video, as times are written with few digits. */
const rounding = 0.05;

/**
 * The priors of a data set: videos that they lack or that the data set lacks, spans that leave their video, embeddings that cannot be
 * read, and, where there are none, texts without a word that the vectors know.
 */
export async function checkPriors(
  dataset: VideoDataset,
  words: WordVectors | undefined,
  onFault: OnFault,
): Promise<void> {
  const priors = await opened(dataset, onFault);
  if (!priors) return;
  try {
    const items = new Map(
      dataset.splits.flatMap((split) =>
        dataset.items(split).map((item) => [item.id, { split, item }] as const),
      ),
    );
    for (const id of priors.ids) {
      const known = items.get(id);
      const told = priors.of(id)!;
      if (!known) {
        onFault({
          kind: 'priors',
          video: id,
          message: `${id}: ${priors.name} tells of it, but it is no video of the data set`,
        });
        continue;
      }
      const fault = (message: string) =>
        onFault({
          kind: 'priors',
          video: id,
          split: known.split,
          message: `${id}: ${priors.name}: ${message}`,
        });
      checkSpans(told, known.item.duration, fault);
      if (told.embeddings) await checkEmbeddings(told, fault);
      else if (words) checkTexts(told, words, fault);
    }
    const untold = dataset.splits.includes('train')
      ? dataset.items('train').filter(({ id }) => !priors.of(id))
      : [];
    for (const { id } of untold)
      onFault({
        kind: 'priors',
        video: id,
        split: 'train',
        message: `${id}: ${priors.name} does not tell of it`,
      });
  } finally {
    await priors.close();
  }
}

async function opened(dataset: VideoDataset, onFault: OnFault): Promise<Priors | undefined> {
  try {
    return await dataset.priors?.();
  } catch (error) {
    if (!(error instanceof TalError)) throw error;
    onFault({ kind: 'file', message: error.message });
    return undefined;
  }
}

function checkSpans(
  { events, captions }: VideoPriors,
  duration: number,
  fault: (message: string) => void,
): void {
  for (const { text, segment } of [...events, ...captions]) {
    if (segment[1] > duration + rounding)
      fault(`${JSON.stringify(text)} is from ${segment.join(' to ')} s, but the video ends at ${duration} s`);
  }
}

async function checkEmbeddings(priors: VideoPriors, fault: (message: string) => void): Promise<void> {
  try {
    await priors.embeddings!();
  } catch (error) {
    if (!(error instanceof TalError)) throw error;
    fault(error.message);
  }
}

function checkTexts(
  { events, captions }: VideoPriors,
  words: WordVectors,
  fault: (message: string) => void,
): void {
  for (const text of new Set([...events, ...captions].map((span) => span.text))) {
    if (!wordsOf(text).some((word) => words.has(word)))
      fault(`no word of ${JSON.stringify(text)} has a vector, and there are no embeddings`);
  }
}
