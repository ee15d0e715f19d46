import { callback, checkFields, flag, integer, optional, positive, type Rules } from '../../../arguments.js';
import type { VideoInput } from '../../../datasets/open-input.js';
import { given } from '../../../tensor/given.js';
import type { Segment } from '../../../time/segment.js';
import { type Ask, type Found, LocalizationModel, type PredictRequest } from '../../localization-model.js';
import { type AnswerVideoOptions, answerVideoRules } from './answer-video.js';
import { type LocalizingStep, localizeVideo, type Wanted } from './localize-video.js';
import type { VideoMdvlm } from './video-folder.js';

/** How a vision-language model is asked and how its answer is decoded. */
export interface VideoMdvlmOptions extends Omit<AnswerVideoOptions, 'onStep'> {
  /** Frames of the video, or of each window, that are looked at; default those of the configuration. */
  readonly frames?: number;
  /** Ask about windows of so many seconds, each half over the next; default about all of the video at once. */
  readonly window?: number;
  /** Ask the query as it is: a question whose answer begins with two times. Default: ask when the query happens. */
  readonly verbatim?: boolean;
  /** Called after each denoising step. */
  readonly onStep?: (step: LocalizingStep) => void;
}

const optionRules: Rules<VideoMdvlmOptions> = {
  ...answerVideoRules,
  frames: optional(integer(1)),
  window: optional(positive),
  verbatim: optional(flag),
  onStep: optional(callback),
};

/** A vision-language model as `openModel` gives it. With a query it finds its moments, without one all actions. */
export class OpenedVideoMdvlm extends LocalizationModel {
  readonly architecture = 'llada-v';
  readonly finds = ['moments', 'actions'] as const;
  readonly input = 'video';

  constructor(readonly mdvlm: VideoMdvlm) {
    super(mdvlm.model.runtime, mdvlm.model);
  }

  protected windowOf(_: VideoInput, { window = Infinity }: VideoMdvlmOptions): number {
    return window;
  }

  protected checkOptions(options: VideoMdvlmOptions): void {
    checkFields('localize', options, optionRules);
  }

  protected async ask(asked: readonly Ask[], request: PredictRequest): Promise<readonly Found[]> {
    const { window: _, verbatim, ...options } = (request.options ?? {}) as VideoMdvlmOptions;
    const found: Found[] = [];
    for (const { video: item, window, query } of asked) {
      request.signal?.throwIfAborted();
      const video = await item.video!();
      try {
        const { segments, answers } = await localizeVideo(this.mdvlm, video, wantedOf(query, verbatim), {
          ...options,
          excerpt: window,
        });
        const [start] = window;
        found.push({
          detections: segments.map((each) => ({
            ...each,
            segment: each.segment.map((seconds) => seconds - start) as unknown as Segment,
          })),
          ...given({ answer: answers[0]?.text }),
        });
      } finally {
        await video.close();
      }
      request.onProgress?.(found.length, asked.length);
    }
    return found;
  }
}

function wantedOf(query: string | undefined, verbatim = false): Wanted {
  if (query === undefined) return 'actions';
  return verbatim ? { question: query } : { event: query };
}
