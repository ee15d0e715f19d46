import { checkFields } from '../../arguments.js';
import { excerptsOf } from '../../datasets/excerpts.js';
import type { VideoInput } from '../../datasets/open-input.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import {
  type Ask,
  type Found,
  LocalizationModel,
  type ModelInput,
  type PredictRequest,
} from '../localization-model.js';
import { type SamplingConfig, samplingRules } from './actiondiff/config.js';
import { readWindow } from './bags.js';
import type { Localization } from './localize.js';
import {
  classProbabilities,
  type LocalizationScores,
  type ProposalOptions,
  proposalRules,
  proposeSegments,
} from './proposals.js';
import { segmentScores } from './segment-scores.js';
import { samplesOf } from './snippets.js';
import { videoScores } from './video-scores.js';
import type { LoadedWtal } from './wtal-folder.js';

/** How segments are read off, and how a diffusion branch is sampled; by default as `config.json` says. */
export type WtalOptions = Partial<ProposalOptions> & { readonly sampling?: Partial<SamplingConfig> };

/** What the network says about the snippets of a window. */
interface Sequences extends LocalizationScores {
  /** Seconds from one snippet to the next. */
  readonly stride: number;
  /** Where there is a diffusion branch, what the base says before it, and the CAS after it that the video scores are of. */
  readonly refinement?: {
    readonly before: Pick<LocalizationScores, 'cas' | 'attention'>;
    readonly cas: ArrayLike<number>;
  };
}

type Curves = Pick<Localization, 'activation' | 'attention'>;

/** What it finds in a window, with what that was read off. */
interface Seen extends Found {
  readonly sequences: Sequences;
}

/** What a model finds in a video and says about all of it, step by step. */
export interface VideoCurves extends Localization {
  /** The same after the diffusion branch, where the model has one: then `activation` and `attention` are the base's. */
  readonly refined?: Curves;
}

/**
 * A weakly supervised model as `openModel` gives it. Features are seen as a whole; a signal in windows as long as the bags of
 * its training.
 */
export class OpenedWtal extends LocalizationModel {
  readonly architecture = 'wtal';
  readonly finds = ['actions'] as const;
  readonly input: ModelInput;

  constructor(readonly loaded: LoadedWtal) {
    super(loaded.network.runtime, loaded.network);
    this.input = loaded.file.model.snippets.kind;
  }

  /** Signals are judged in the excerpts that such a model is trained on. */
  override async judgedOn(data: VideoDataset, split: string): Promise<VideoDataset> {
    const [video] = this.input === 'signal' ? data.items(split) : [];
    return video?.signal ? excerptsOf(data, await this.windowOf(video)) : data;
  }

  /**
   * What `localize` finds in a video, with what the network says about all of it, for a picture: of a signal in those of the
   * windows that follow each other.
   * @throws as `localize`
   */
  async curves(video: VideoInput, request: PredictRequest = {}): Promise<VideoCurves> {
    const { asked, found, segments } = await this.lookedAt(video, request);
    const { classes } = this.loaded.file;
    const plain = new JoinedCurves(classes);
    const refined = new JoinedCurves(classes);
    const best = new Float64Array(classes.length);
    let end = 0;
    for (const [i, { sequences }] of (found as readonly Seen[]).entries()) {
      const { stride, refinement, attention, videoScores } = sequences;
      const { window } = asked[i]!;
      // Half of a window lies over the next one; the last may begin within the one before.
      if (window[0] < end - stride / 2 && i < found.length - 1) continue;
      end = window[1];
      const first = Math.round(window[0] / stride);
      plain.put(first, refinement?.before ?? sequences);
      if (refinement) refined.put(first, { cas: refinement.cas, attention });
      for (const label of best.keys()) best[label] = Math.max(best[label]!, videoScores[label]!);
    }
    return {
      ...{ duration: video.duration, segments },
      classes: classes
        .map((label, i) => ({ label, probability: best[i]! }))
        .sort((a, b) => b.probability - a.probability),
      ...plain.curves(),
      ...(this.loaded.network.diffusion && { refined: refined.curves() }),
    };
  }

  protected async windowOf(video: VideoInput): Promise<number> {
    if (this.input === 'features') return Infinity;
    const { snippets, steps } = this.loaded.file.model;
    return (steps * samplesOf(snippets)) / (await video.signal!()).rate;
  }

  protected checkOptions({ sampling, ...options }: WtalOptions): void {
    const { model } = this.loaded.file;
    checkFields('localize', { ...model.proposals, ...options }, proposalRules);
    if (sampling === undefined) return;
    if (!model.diffusion) throw new OptionError('localize: sampling is for models with a diffusion branch');
    checkFields('localize', { ...model.diffusion.sampling, ...sampling }, samplingRules);
  }

  protected async ask(asked: readonly Ask[], { options, signal }: PredictRequest): Promise<readonly Seen[]> {
    const { classes, model } = this.loaded.file;
    const { sampling, ...changed } = (options ?? {}) as WtalOptions;
    const proposals = { ...model.proposals, ...changed };
    const found: Seen[] = [];
    for (const { video, window } of asked) {
      signal?.throwIfAborted();
      const sequences = await this.#sequences(video, window, sampling);
      const timing = { duration: window[1] - window[0], secondsPerStep: sequences.stride };
      const detections = proposeSegments(sequences, timing, proposals).map(({ label, ...rest }) => ({
        ...rest,
        label: classes[label]!,
      }));
      found.push({ detections, sequences });
    }
    return found;
  }

  async #sequences(
    video: VideoInput,
    window: Segment,
    sampling?: Partial<SamplingConfig>,
  ): Promise<Sequences> {
    const { snippets, videoScore } = this.loaded.file.model;
    const { values, shape, stride } = await readWindow(snippets, video, window);
    // A read is recorded at once: what it reads need not live until it is done.
    const reads = this.runtime.scope(() => {
      const { network } = this.loaded;
      const outputs = network.forward(this.runtime.tensor(values, [1, ...shape]));
      const refined = network.diffusion?.denoise(network.base, outputs, sampling);
      const { cas, attention, videoScoreCas = cas } = { ...outputs, ...refined };
      const ofSegments = segmentScores({ ...outputs, cas, attention });
      const before = refined ? [outputs.cas, outputs.attention] : [];
      return [cas, attention, videoScoreCas, ofSegments, ...before].map((tensor) => tensor.read());
    });
    const [cas, attention, ofVideo, ofSegments, casBefore, attentionBefore] = (await Promise.all(
      reads,
    )) as Float32Array[] as [...FourArrays, ...Partial<TwoArrays>];
    return {
      ...{ cas, attention, segmentScores: ofSegments, stride },
      videoScores: videoScores(ofVideo, attention, videoScore),
      background: true,
      ...(casBefore &&
        attentionBefore && {
          refinement: { before: { cas: casBefore, attention: attentionBefore }, cas: ofVideo },
        }),
    };
  }
}

type TwoArrays = [Float32Array, Float32Array];
type FourArrays = [...TwoArrays, ...TwoArrays];

/** The curves of windows that follow each other. */
class JoinedCurves {
  readonly #attention: number[] = [];
  /** [T, K] */
  readonly #probabilities: number[] = [];

  /** @param classes without the background */
  constructor(readonly classes: readonly string[]) {}

  /** @param first the step that a window begins at, from which on it takes the place of what was there */
  put(first: number, { cas, attention }: Pick<LocalizationScores, 'cas' | 'attention'>): void {
    const width = this.classes.length + 1;
    this.#attention.splice(first, Infinity, ...Array.from(attention));
    this.#probabilities.splice(first * width, Infinity, ...classProbabilities(cas, width));
  }

  curves(): Curves {
    const width = this.classes.length + 1;
    return {
      activation: (label) => {
        const index = this.classes.indexOf(label);
        return Float64Array.from(this.#attention, (_, t) => this.#probabilities[t * width + index]!);
      },
      attention: Float32Array.from(this.#attention),
    };
  }
}
