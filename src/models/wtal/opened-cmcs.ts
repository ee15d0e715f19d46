import { checkFields } from '../../arguments.js';
import type { Features } from '../../data/formats/features.js';
import type { VideoInput } from '../../datasets/open-input.js';
import { rowsWithin } from '../../datasets/sampling/sampled-clips.js';
import { type Ask, type Found, LocalizationModel, type PredictRequest } from '../localization-model.js';
import type { Cmcs } from './cmcs.js';
import { localizeActions } from './localize.js';
import { CMCS_PROPOSALS, type ProposalOptions, proposalRules } from './proposals.js';

/** CMCS as `openModel` gives it. A video is seen as a whole, however long. */
export class OpenedCmcs extends LocalizationModel {
  readonly architecture = 'cmcs';
  readonly finds = ['actions'] as const;
  readonly input = 'features';

  constructor(
    readonly model: Cmcs,
    readonly classes: readonly string[],
  ) {
    super(model.runtime, model);
  }

  protected windowOf(): number {
    return Infinity;
  }

  protected checkOptions(options: Readonly<ProposalOptions>): void {
    checkFields('localize', { ...CMCS_PROPOSALS, ...options }, proposalRules);
  }

  protected async ask(asked: readonly Ask[], { options, signal }: PredictRequest): Promise<readonly Found[]> {
    const proposals = { ...CMCS_PROPOSALS, ...(options as Partial<ProposalOptions>) };
    const found: Found[] = [];
    for (const { video, window } of asked) {
      signal?.throwIfAborted();
      const features = await excerptOf(video, window);
      const duration = window[1] - window[0];
      const { segments } = await localizeActions(this.model, features, this.classes, duration, proposals);
      found.push({ detections: segments });
    }
    return found;
  }
}

/** The features of a window; of the whole video as they are. */
async function excerptOf(video: VideoInput, [start, end]: Ask['window']): Promise<Features> {
  const features = await video.features!();
  if (start === 0 && end === video.duration) return features;
  const { steps, channels, data } = rowsWithin(features, [start, end]);
  return { steps, channels, data };
}
