import { basename } from 'node:path';
import type { VideoInput } from '../../datasets/open-input.js';
import type { ClipCurve } from '../../models/common/join-curves.js';
import type { LocalizationModel, LocalizeRequest } from '../../models/localization-model.js';
import { windowSeconds } from '../../models/map-diffusion/frame-clips.js';
import { type MapDiffusionOptions, OpenedMapDiffusion } from '../../models/map-diffusion/opened.js';
import { localizeActions } from '../../models/wtal/localize.js';
import { OpenedWtal } from '../../models/wtal/opened.js';
import { OpenedCmcs } from '../../models/wtal/opened-cmcs.js';
import { CMCS_PROPOSALS, type ProposalOptions } from '../../models/wtal/proposals.js';
import { given } from '../../tensor/given.js';
import type { Detection } from '../../time/segment.js';
import { LiveLine } from '../views/live-line.js';
import { localizationTimeline } from '../views/localization-timeline.js';
import { renderMomentPage } from '../views/moment-page.js';
import { calibrationNote, printMoments } from '../views/moments-table.js';
import { printRanked, printSegments } from '../views/segments-table.js';
import { timelineFile } from '../views/timeline.js';
import { watchDenoising, watchVideo } from '../views/watch-denoising.js';
import type { LocalizeInput } from './localize-inputs.js';

/** One video, as it is printed and drawn. */
export interface OneVideo {
  readonly input: LocalizeInput;
  readonly video: VideoInput;
  /** What the video is called in files and titles. */
  readonly id: string;
  /** Where its picture goes, if it is drawn. */
  readonly plot: string | undefined;
  readonly top: number;
  /** The folder of the model. */
  readonly folder: string;
}

/** What was found, which is printed already, and its picture where one is wanted. */
export interface LocalizedOne {
  readonly segments: readonly Detection[];
  readonly picture?: string;
}

/** Localizes one video and prints what was found, with what the kind of model can say of how. */
export function localizeOne(
  model: LocalizationModel,
  one: OneVideo,
  request: LocalizeRequest,
): Promise<LocalizedOne> {
  if (model instanceof OpenedCmcs) return withActivations(model, one, request);
  if (model instanceof OpenedWtal) return withCurves(model, one, request);
  if (model instanceof OpenedMapDiffusion) return withMaps(model, one, request);
  return withAnswers(model, one, request);
}

/** CMCS: its class activation and attention are in the picture. */
async function withActivations(
  { model, classes }: OpenedCmcs,
  { video, id, plot, top, folder }: OneVideo,
  { options }: LocalizeRequest,
): Promise<LocalizedOne> {
  const proposals = { ...CMCS_PROPOSALS, ...(options as Partial<ProposalOptions>) };
  const found = await localizeActions(model, await video.features!(), classes, video.duration, proposals);
  printSegments(found, top);
  const { segments } = found;
  if (plot === undefined) return { segments };
  const timeline = localizationTimeline(found, id, `CMCS, ${basename(folder)}`);
  return { segments, picture: timelineFile(timeline, plot) };
}

/** Weakly supervised models: the same, and with a diffusion branch both after it. */
async function withCurves(
  model: OpenedWtal,
  { video, id, plot, top, folder }: OneVideo,
  request: LocalizeRequest,
): Promise<LocalizedOne> {
  const found = await model.curves(video, request);
  const { segments } = found;
  printSegments(found, top);
  if (plot === undefined) return { segments };
  return { segments, picture: timelineFile(localizationTimeline(found, id, basename(folder)), plot) };
}

/** Map diffusion: says what false sentences score; a page shows how the map of a video of one window came about. */
async function withMaps(
  model: OpenedMapDiffusion,
  one: OneVideo,
  request: LocalizeRequest,
): Promise<LocalizedOne> {
  const { loaded } = model;
  const { steps = loaded.file.steps, seed = 0 } = (request.options ?? {}) as MapDiffusionOptions;
  const { segments, duration } = await model.localize(one.video, request);
  printMoments(segments.slice(0, one.top));
  const note = calibrationNote(loaded.file.calibration, segments, steps);
  console.log(note);
  if (one.plot === undefined) return { segments };
  const { config } = loaded.model;
  const shown = one.input.kind === 'video' && duration <= windowSeconds(config) + 1e-3;
  if (!shown || /\.svg$/i.test(one.plot)) return { segments, picture: plainTimeline(one, request, segments) };
  const watched = await watchVideo(loaded, one.input.name);
  const { maps } = await watchDenoising(loaded, watched, request.query!, { steps, seed, shown: 5 });
  const page = renderMomentPage({
    ...{
      title: one.id,
      note,
      duration,
      query: request.query!,
      predictions: segments.slice(0, one.top),
      maps,
    },
    ...{ frames: watched.frames, frameShape: watched.frameShape },
    clips: config.layout.clips,
    secondsPerClip: watched.input.unit,
  });
  return { segments, picture: page };
}

/** Other models; the answer of one that writes is on the terminal from step to step. */
async function withAnswers(
  model: LocalizationModel,
  one: OneVideo,
  request: LocalizeRequest,
): Promise<LocalizedOne> {
  const line = new LiveLine();
  const onStep = ({ window, step, text }: { window: Span; step: number; text: string }) =>
    line.show(`${spanText(window)}, step ${step}: ${text}`);
  const options = { ...request.options, ...(model.architecture === 'llada-v' && { onStep }) };
  const { segments, answers, saliency } = await model
    .localize(one.video, { ...request, options })
    .finally(() => line.stop());
  for (const { window, text } of answers) console.log(`answer about ${spanText(window)}: ${text}`);
  if (answers.length > 0 && segments[0]?.score === 0)
    console.log('the answer names no two times: the whole video stands for it, with score 0');
  printRanked(segments, one.top);
  if (one.plot === undefined) return { segments };
  return { segments, picture: plainTimeline(one, request, segments, saliency) };
}

type Span = readonly [number, number];

const spanText = (span: Span): string => `${span.map((seconds) => seconds.toFixed(1)).join(' - ')} s`;

function plainTimeline(
  { id, folder, plot, video: { duration } }: OneVideo,
  { query }: LocalizeRequest,
  segments: readonly Detection[],
  saliency?: ClipCurve,
): string {
  const subtitle = `${query ?? 'all actions'}; ${basename(folder)}`;
  const timeline = { title: id, subtitle, duration, segments: segments.slice(0, 12), ...given({ saliency }) };
  return timelineFile(timeline, plot!);
}
