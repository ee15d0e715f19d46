import { basename } from 'node:path';
import { writeDetections } from '../../data/annotations/detection-json.js';
import { writeWhole } from '../../data/files/output-file.js';
import { openVideo, type Video } from '../../data/video/video.js';
import { OptionError } from '../../errors.js';
import {
  localizeVideo,
  type VideoLocalization,
  type Wanted,
} from '../../models/mdvlm/video/localize-video.js';
import { loadVideoMdvlm, readVideoMdvlmConfig } from '../../models/mdvlm/video/video-folder.js';
import { given } from '../../tensor/given.js';
import { Runtime } from '../../tensor/runtime.js';
import type { Detection } from '../../time/segment.js';
import { type DecodingFlags, decodingOf } from '../options/decoding-options.js';
import { checkOutputs } from '../shared/outputs.js';
import { LiveLine } from '../views/live-line.js';
import { megabytesProgress } from '../views/progress.js';
import { printRanked } from '../views/segments-table.js';
import { timelineFile } from '../views/timeline.js';

export interface LocalizeVideoFlags extends DecodingFlags {
  readonly model: string;
  readonly query?: string;
  readonly question?: string;
  readonly actions?: true;
  readonly frames?: number;
  readonly window?: number;
  readonly tellTimes?: true;
  readonly timesFirst?: true;
  readonly rho?: number;
  readonly length?: number;
  readonly top: number;
  readonly videoId?: string;
  readonly json?: string;
  readonly plot?: string;
}

/** `tal localize VIDEO`: a video file and what to look for in; the answer as it is denoised, and its spans, out. */
export async function localizeVideoFile(path: string, flags: LocalizeVideoFlags): Promise<void> {
  const wanted = wantedOf(flags);
  await checkOutputs(
    { '--json': flags.json, '--plot': flags.plot },
    { 'the video': path, '--model': flags.model },
  );
  // A model of another kind and a file that is no video are found out before gigabytes are read.
  await readVideoMdvlmConfig(flags.model);
  const video = await openVideo(path);
  try {
    const found = await watchAnswer(video, wanted, flags);
    printFound(found, flags.top);
    const videoId = flags.videoId ?? basename(path).replace(/\.[^.]+$/, '');
    await writeFiles(found, videoId, wanted, flags);
  } finally {
    await video.close();
  }
}

/** @throws OptionError */
function wantedOf({ query, question, actions }: LocalizeVideoFlags): Wanted {
  const given: Wanted[] = [
    ...(query === undefined ? [] : [{ event: query }]),
    ...(question === undefined ? [] : [{ question }]),
    ...(actions ? (['actions'] as const) : []),
  ];
  const [wanted] = given;
  if (wanted === undefined || given.length > 1) {
    throw new OptionError('say what to look for with one of --query, --question and --actions');
  }
  for (const text of [query, question]) {
    if (text?.trim() === '') throw new OptionError('--query must be a sentence, it is empty');
  }
  return wanted;
}

/** Loads the model and asks it, the answer on the terminal from step to step. */
async function watchAnswer(
  video: Video,
  wanted: Wanted,
  flags: LocalizeVideoFlags,
): Promise<VideoLocalization> {
  const { weights = 'f32', frames, window, tellTimes, timesFirst, rho, length } = flags;
  const runtime = await Runtime.create();
  const line = new LiveLine();
  try {
    const { update, stop } = megabytesProgress('MB of weights');
    const loading = loadVideoMdvlm(runtime, flags.model, { weights, onProgress: update });
    const mdvlm = await loading.finally(stop);
    return await localizeVideo(mdvlm, video, wanted, {
      ...decodingOf(flags, length),
      ...given({ frames, tellTimes, timesFirst, rho }),
      ...(window !== undefined && { windows: { length: window, stride: window / 2 } }),
      onStep: ({ window, step, text }) => line.show(`${spanText(window)}, step ${step}: ${text}`),
    });
  } finally {
    line.stop();
    runtime.destroy();
  }
}

const spanText = (span: readonly [number, number]): string =>
  `${span.map((seconds) => seconds.toFixed(1)).join(' - ')} s`;

function printFound({ answers, segments, withoutTimes }: VideoLocalization, top: number): void {
  for (const { window, text } of answers) console.log(`answer about ${spanText(window)}: ${text}`);
  if (withoutTimes) console.log('the answer names no two times: the whole video stands for it, with score 0');
  printRanked(segments, top);
}

async function writeFiles(
  { segments, duration }: VideoLocalization,
  videoId: string,
  wanted: Wanted,
  { json, plot, model }: LocalizeVideoFlags,
): Promise<void> {
  if (json !== undefined) {
    await writeDetections(json, { [videoId]: segments }, 'a pretrained vision-language model');
    console.log(`segments written to ${json}`);
  }
  if (plot !== undefined) {
    const subtitle = `${wanted === 'actions' ? 'all actions' : Object.values(wanted)[0]}; ${basename(model)}`;
    const shown: readonly Detection[] = segments.slice(0, 12);
    await writeWhole(plot, timelineFile({ title: videoId, subtitle, duration, segments: shown }, plot));
    console.log(`timeline drawn in ${plot}`);
  }
}
