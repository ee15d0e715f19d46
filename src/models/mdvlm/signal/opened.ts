import { checkFields } from '../../../arguments.js';
import type { VideoInput } from '../../../datasets/open-input.js';
import { given } from '../../../tensor/given.js';
import { type Ask, type Found, LocalizationModel, type PredictRequest } from '../../localization-model.js';
import { type ClipReader, signalReader } from '../../map-diffusion/clip-reader.js';
import { type AnswerOptions, answerQuestions, answerRules } from '../decoding/answer-questions.js';
import type { LoadedSignalMdvlm } from './signal-folder.js';
import { SignalQuestions } from './signal-questions.js';

/** How answers are decoded; by default as `config.json` says. */
export type SignalMdvlmOptions = Omit<AnswerOptions, 'onProgress' | 'signal'>;

const { onProgress: _, signal: __, ...optionRules } = answerRules;

/** A vision-language model of signals as `openModel` gives it: a window has one moment, of which no score is known. */
export class OpenedSignalMdvlm extends LocalizationModel {
  readonly architecture = 'signal-mdvlm';
  readonly finds = ['moments'] as const;
  readonly input = 'signal';
  readonly #reader: ClipReader;

  constructor(readonly loaded: LoadedSignalMdvlm) {
    super(loaded.model.runtime, loaded.model);
    const { clips, count } = loaded.config.encoder;
    this.#reader = signalReader(clips, count);
  }

  protected windowOf(video: VideoInput): Promise<number> {
    return this.#reader.windowOf(video);
  }

  protected checkOptions(options: SignalMdvlmOptions): void {
    checkFields('localize', options, optionRules);
  }

  protected async ask(asked: readonly Ask[], request: PredictRequest): Promise<readonly Found[]> {
    const { options = {}, signal, onProgress, onWarning } = request;
    const questions = new SignalQuestions(
      this.loaded,
      asked.map(({ video, window, query }) => ({
        video,
        window,
        sentences: [{ text: query!, windows: [] }],
      })),
    );
    if (questions.unknownWords.length > 0) {
      onWarning?.(`words that the model does not know: ${questions.unknownWords.join(', ')}`);
    }
    const segments = await answerQuestions(this.loaded, questions, {
      ...this.loaded.file.decoding,
      ...(options as SignalMdvlmOptions),
      ...given({ signal }),
      ...(onProgress && { onProgress: (done: number) => onProgress(done, asked.length) }),
    });
    return segments.map((segment, i) => ({
      detections: [{ label: asked[i]!.query!, score: 1, segment }],
    }));
  }
}
