/// <reference lib="esnext.disposable" preserve="true" />
import { type Abortable, abortRules } from '../abort.js';
import {
  callback,
  checkArgument,
  checkArguments,
  checkFields,
  object,
  objectWith,
  optional,
  positive,
  type Rule,
  type Rules,
  rule,
  spanOf,
  text,
} from '../arguments.js';
import { slidingWindows } from '../data/annotations/sliding-windows.js';
import type { QueryId } from '../data/formats/json-record.js';
import { datasetRule } from '../datasets/dataset-rule.js';
import type { VideoInput } from '../datasets/open-input.js';
import type { VideoDataset, VideoItem, VideoQuery } from '../datasets/video-dataset.js';
import { OptionError, ReleasedError } from '../errors.js';
import type { Freeable } from '../tensor/owner.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Detection, ScoredSegment, Segment } from '../time/segment.js';
import { type ClipCurve, joinCurves } from './common/join-curves.js';
import { mergeWindows } from './common/merge-windows.js';

/** What a model looks at. */
export type ModelInput = 'features' | 'signal' | 'video';

/** How a model works, in its own terms. */
export type ModelOptions = Readonly<Record<string, unknown>>;

/** How a model works and how the caller follows it. */
export interface PredictRequest extends Abortable {
  /** In the model's own terms, such as `steps` of a diffusion model; what is left out is the model's own choice. */
  readonly options?: ModelOptions;
  /** Called as the work goes on, with what is done (windows of a video, queries, videos) and with all there is. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with what the caller should know and what does not end the work, such as words that the model does not know. */
  readonly onWarning?: (message: string) => void;
}

/** What is asked of a model about a video. */
export interface LocalizeRequest extends PredictRequest {
  /** What to look for, as a sentence. Models that find moments need it; those that find actions refuse it. */
  readonly query?: string;
  /** What is looked at, in seconds of the video; default all of it. */
  readonly excerpt?: Segment;
}

export interface LocalizationResult {
  /** Seconds of the video. */
  readonly duration: number;
  /** What was found, best first, in seconds of the video. The label is a class, or the query. */
  readonly segments: readonly Detection[];
  /** What a model that writes answers wrote, an entry a window; empty for other models. */
  readonly answers: readonly { readonly window: Segment; readonly text: string }[];
  /** How well each clip shows what the query is about, of models that tell. */
  readonly saliency?: ClipCurve;
}

/** What a model predicts for a split of a data set. */
export interface Predictions {
  /** The ranked moments of each query, best first, in seconds of its excerpt; of models that find moments. */
  readonly moments?: ReadonlyMap<QueryId, readonly ScoredSegment[]>;
  /** The actions of each video, best first, in seconds of the video; of models that find actions. */
  readonly detections?: ReadonlyMap<string, readonly Detection[]>;
  /** For each query how well the clips of its excerpt show it, in seconds of the excerpt; of models that tell. */
  readonly saliency?: ReadonlyMap<QueryId, ClipCurve>;
}

/** A window of a video that a model is asked about. */
export interface Ask {
  readonly video: VideoInput;
  /** In seconds of the video. */
  readonly window: Segment;
  /** Undefined where its actions are looked for. */
  readonly query: string | undefined;
  /** Token features of the query, where a data set brings them. */
  readonly queryFeatures?: VideoQuery['features'];
}

/** What a model found in a window, best first, in seconds of the window. */
export interface Found {
  readonly detections: readonly Detection[];
  /** Of a model that writes answers. */
  readonly answer?: string;
  /** Of a model that tells how well clips show the query: their scores, in seconds of the window. */
  readonly saliency?: ClipCurve;
}

/** What a model was asked about a video, and what it found. */
export interface LookedAt {
  readonly asked: readonly Ask[];
  readonly found: readonly Found[];
  /** In seconds of the video. */
  readonly segments: readonly Detection[];
}

/**
 * A trained model, whatever its architecture: `openModel` opens it. It owns its weights.
 *
 * An architecture says how much of a video it sees at a time and answers what it is asked about such a window; windows of
 * longer videos, data sets and the checks of requests are the same for all.
 */
export abstract class LocalizationModel implements Freeable {
  /** As `config.json` names it. */
  abstract readonly architecture: string;
  abstract readonly input: ModelInput;
  /** Whether it looks for what a sentence says, for actions, or for either. */
  abstract readonly finds: readonly ('moments' | 'actions')[];
  readonly #owned: Freeable[];
  #disposed = false;

  /** @param owned what ends with the model */
  constructor(
    readonly runtime: Runtime,
    ...owned: readonly Freeable[]
  ) {
    this.#owned = [...owned];
  }

  /**
   * The data set in the form that the model is judged on in a split: as it is, or its videos cut as they were cut for training.
   * @throws FileAccessError, FileFormatError
   */
  async judgedOn(data: VideoDataset, _split: string): Promise<VideoDataset> {
    return data;
  }

  /** Seconds of a video that it sees at a time. */
  protected abstract windowOf(video: VideoInput, options: ModelOptions): number | Promise<number>;

  /** @throws OptionError where an option is none of the model's, or out of range */
  protected abstract checkOptions(options: ModelOptions): void;

  /** Answers questions about windows that are no longer than it sees, in their order. */
  protected abstract ask(asked: readonly Ask[], request: PredictRequest): Promise<readonly Found[]>;

  /**
   * Refuses what `localize` would refuse of every video, before much work is begun.
   * @throws OptionError
   */
  checkRequest(request: LocalizeRequest): void {
    this.checkAlive();
    checkFields('localize', request, requestRules);
    this.checkOptions(request.options ?? {});
    this.#checkQuery(request.query);
  }

  /**
   * What there is in a video. One that is longer than the model sees at a time is looked at in windows, each half over the
   * next, and what was found in them is joined by soft-NMS (`mergeWindows`).
   * @throws OptionError where the request does not fit the model or the video; FileFormatError, FileAccessError where the
   *   video cannot be read; ShapeError where its features are others than the model's
   */
  async localize(video: VideoInput, request: LocalizeRequest = {}): Promise<LocalizationResult> {
    const { asked, found, segments } = await this.lookedAt(video, request);
    return {
      ...{ duration: video.duration, segments },
      ...curveOf(asked, found),
      answers: found.flatMap(({ answer }, i) =>
        answer === undefined ? [] : [{ window: asked[i]!.window, text: answer }],
      ),
    };
  }

  /** The windows of a video in their order, what was found in each, and that joined. @throws as `localize` */
  protected async lookedAt(video: VideoInput, request: LocalizeRequest): Promise<LookedAt> {
    this.checkAlive();
    checkArgument('localize', 'video', video, inputRule);
    this.#checkInput(video);
    this.checkRequest(request);
    const { query, excerpt = [0, video.duration], ...working } = request;
    if (excerpt[0] < 0 || excerpt[1] > video.duration || excerpt[0] === excerpt[1]) {
      throw new OptionError(
        `localize: excerpt is [${excerpt}], it must lie within the video, [0, ${video.duration}]`,
      );
    }
    const asked = await this.#windows(video, excerpt, query, working.options);
    const found = await this.ask(asked, working);
    return { asked, found, segments: joined(asked, found) };
  }

  /**
   * Predictions for the videos of a split: of a model that finds moments for all their queries, of another for all
   * videos.
   * @throws as `localize`; OptionError where the split has nothing to predict for
   */
  async predict(data: VideoDataset, split: string, request: PredictRequest = {}): Promise<Predictions> {
    this.checkAlive();
    checkArguments('predict', { data, split }, { data: datasetRule, split: text });
    checkFields('predict', request, predictRules);
    this.checkOptions(request.options ?? {});
    const items = data.items(split);
    for (const item of items) this.#checkInput(item, `${data.name}, ${item.id}`);
    const asksForMoments = items.some(({ annotations }) => annotations.queries?.length);
    const finds = this.finds.length > 1 ? (asksForMoments ? 'moments' : 'actions') : this.finds[0];
    return finds === 'moments'
      ? await this.#predictMoments(items, request)
      : { detections: await this.#predictActions(items, request) };
  }

  async #predictMoments(items: readonly VideoItem[], request: PredictRequest): Promise<Predictions> {
    const queries = items.flatMap((video) =>
      (video.annotations.queries ?? []).map((query) => ({ video, query })),
    );
    if (queries.length === 0) throw new OptionError('predict: no video of the split has a query');
    // Noise is drawn in this order: that of the data set's own file of queries, where it numbers them.
    if (queries.every(({ query }) => typeof query.id === 'number')) {
      queries.sort((a, b) => Number(a.query.id) - Number(b.query.id));
    }
    const asked: Ask[] = [];
    const counts: number[] = [];
    for (const { video, query } of queries) {
      const windows = await this.#windows(video, query.excerpt, query.text, request.options);
      asked.push(
        ...windows.map((ask) => ({ ...ask, ...(query.features && { queryFeatures: query.features }) })),
      );
      counts.push(windows.length);
    }
    const found = await this.ask(asked, request);
    const moments = new Map<QueryId, readonly ScoredSegment[]>();
    const saliency = new Map<QueryId, ClipCurve>();
    let first = 0;
    for (const [i, { query }] of queries.entries()) {
      const end = first + counts[i]!;
      const own = [asked.slice(first, end), found.slice(first, end)] as const;
      first = end;
      const [start] = query.excerpt;
      moments.set(
        query.id,
        joined(...own).map(({ score, segment }) => ({
          score,
          segment: [segment[0] - start, segment[1] - start],
        })),
      );
      const curve = curveOf(...own).saliency;
      if (curve) saliency.set(query.id, { ...curve, start: curve.start - start });
    }
    return { moments, ...(saliency.size > 0 && { saliency }) };
  }

  async #predictActions(
    items: readonly VideoItem[],
    { onProgress, ...request }: PredictRequest,
  ): Promise<ReadonlyMap<string, readonly Detection[]>> {
    const detections = new Map<string, readonly Detection[]>();
    for (const video of items) {
      const asked = await this.#windows(video, [0, video.duration], undefined, request.options);
      detections.set(video.id, joined(asked, await this.ask(asked, request)));
      onProgress?.(detections.size, items.length);
    }
    return detections;
  }

  async #windows(
    video: VideoInput,
    [start, end]: Segment,
    query: string | undefined,
    options: ModelOptions = {},
  ): Promise<Ask[]> {
    const length = await this.windowOf(video, options);
    // A thousandth of a second is rounding of an annotation.
    if (end - start <= length + 1e-3) return [{ video, window: [start, end], query }];
    return slidingWindows(end - start, { length, stride: length / 2 }).map(([from, to]) => ({
      video,
      window: [start + from, start + to],
      query,
    }));
  }

  #checkQuery(query: string | undefined): void {
    if (this.finds.includes(query === undefined ? 'actions' : 'moments')) return;
    throw new OptionError(
      query === undefined
        ? `localize: a ${this.architecture} model needs query, a sentence to look for`
        : `localize: a ${this.architecture} model finds the actions of its classes and takes no query`,
    );
  }

  #checkInput(video: VideoInput, name = 'the video'): void {
    if (video[this.input]) return;
    const has = (['features', 'signal', 'video'] as const).filter((kind) => video[kind]);
    const missing = this.input === 'video' ? 'frames of a video' : this.input;
    throw new OptionError(
      `${name} has no ${missing}, which a ${this.architecture} model looks at; it has ${has.join(', ') || 'nothing to look at'}`,
    );
  }

  /** @throws ReleasedError after `dispose` */
  protected checkAlive(): void {
    if (this.#disposed) throw new ReleasedError(`this ${this.architecture} model was disposed`);
  }

  /** Lets something end with the model. */
  takeOver(owned: Freeable): void {
    this.#owned.push(owned);
  }

  /** Frees the weights; a runtime that was opened for the model is destroyed. Calling it twice is harmless. */
  dispose(): void {
    this.#disposed = true;
    for (const each of this.#owned.splice(0)) each.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** What was found in the windows of one video, in seconds of the video. */
function joined(asked: readonly Ask[], found: readonly Found[]): Detection[] {
  const [only] = found;
  if (found.length === 1 && only) {
    const [start] = asked[0]!.window;
    return only.detections.map((each) => ({
      ...each,
      segment: [start + each.segment[0], start + each.segment[1]],
    }));
  }
  return mergeWindows(found.map(({ detections }, i) => ({ excerpt: asked[i]!.window, detections })));
}

/** What was told of the clips of one video, in seconds of the video. */
function curveOf(asked: readonly Ask[], found: readonly Found[]): { saliency?: ClipCurve } {
  const curves = found.flatMap(({ saliency }, i) =>
    saliency ? [{ ...saliency, start: saliency.start + asked[i]!.window[0] }] : [],
  );
  return curves.length === 0 ? {} : { saliency: joinCurves(curves) };
}

const inputRule: Rule<VideoInput> = objectWith<VideoInput>(
  {
    duration: positive,
    features: optional(callback),
    signal: optional(callback),
    video: optional(callback),
  },
  'a video (openInput, or an item of a data set)',
);

const queryRule: Rule<string> = rule(
  'a string that is not blank',
  (value) => typeof value === 'string' && value.trim() !== '',
);

const predictRules: Rules<PredictRequest> = {
  options: optional(object),
  ...abortRules,
  onProgress: optional(callback),
  onWarning: optional(callback),
};

const requestRules: Rules<LocalizeRequest> = {
  ...predictRules,
  query: optional(queryRule),
  excerpt: optional(spanOf()),
};
