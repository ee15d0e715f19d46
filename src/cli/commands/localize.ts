import type { Command } from 'commander';
import type { Crop } from '../../data/formats/features.js';
import { OptionError } from '../../errors.js';
import { crop, picture, positive, share, whole } from '../options/arguments.js';
import { addDecodingOptions, decodingFlags } from '../options/decoding-options.js';
import { localizeFeatures } from './localize-features.js';
import { type LocalizeVideoFlags, localizeVideoFile } from './localize-video.js';

interface Flags extends LocalizeVideoFlags {
  readonly features?: readonly string[];
  readonly crop?: Crop;
  readonly duration?: number;
  readonly classes?: string;
}

const ofFeatures = ['features', 'crop', 'duration', 'classes'] as const;
const ofVideo = [
  ...(['query', 'question', 'actions', 'frames', 'window'] as const),
  ...(['tellTimes', 'timesFirst', 'length', 'rho', ...decodingFlags] as const),
];

/** Adds `tal localize`, which takes a video and a vision-language model, or features and a network for them. */
export function addLocalize(program: Command): void {
  const ofVideos = program
    .command('localize')
    .description(
      'Find when something happens: in a video, by asking a vision-language model (LLaDA-V), or in the features of one, ' +
        'with a weakly supervised network (CMCS)',
    )
    .argument('[video]', 'an mp4 or another video file; without it, give --features and --duration')
    .requiredOption(
      '--model <path>',
      "a folder of LLaDA-V's form; for features, CMCS as .safetensors or a folder with it",
    )
    .option('--top <n>', 'segments to print', whole(1), 10)
    .option('--video-id <name>', 'name of the video in the JSON; default: from the name of its file')
    .option('--json <file>', "write all segments in ActivityNet's detection format")
    .option('--plot <file>', 'draw the timeline (.svg or .html)', picture)
    .optionsGroup('Of a video:')
    .option('--query <event>', 'what happens, as a description or a sentence')
    .option('--question <text>', 'asked as it is; the answer should begin with two times')
    .option('--actions', 'all actions with their names')
    .option('--frames <n>', 'frames to look at; default: those of the model', whole(1))
    .option('--window <seconds>', 'ask about windows of that length, each half over the next', positive)
    .option('--tell-times', 'tell the model when its frames are')
    .option('--length <n>', 'tokens of an answer; default: 32, for --actions 128', whole(1))
    .option('--times-first', 'the answer must begin with two times, the earlier one first')
    .option('--rho <share>', 'of the steps, the last ones, in which times are committed; default: 1', share);
  addDecodingOptions(ofVideos)
    .optionsGroup('Of features:')
    .option(
      '--features <file>',
      'a .npy, .npz (FILE#NAME for one of several arrays) or .safetensors of [steps, channels]; repeat to join ' +
        'channels (RGB, then flow)',
      (path: string, paths: string[] = []) => [...paths, path],
    )
    .option(
      '--crop <which>',
      'of ten-crop features [10, steps, channels]: mean, or one of 0 to 9; default: mean',
      crop,
    )
    .option('--duration <seconds>', 'length of the video', positive)
    .option('--classes <file>', 'JSON with the class names; default: classes.json beside the model')
    .action(async (video: string | undefined, flags: Flags) => {
      if (video === undefined) {
        refuse(flags, ofVideo, 'goes with a video file, as in tal localize video.mp4');
        const { features, duration } = flags;
        if (!features || duration === undefined) {
          throw new OptionError('give a video file and --query, or --features and --duration');
        }
        await localizeFeatures({ ...flags, features, duration });
      } else {
        refuse(flags, ofFeatures, 'goes without a video file');
        await localizeVideoFile(video, flags);
      }
    });
}

/** @throws OptionError where a flag of the other form is given */
function refuse(flags: Flags, others: readonly (keyof Flags)[], why: string): void {
  const found = others.find((name) => flags[name] !== undefined);
  if (found === undefined) return;
  throw new OptionError(`--${found.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${why}`);
}
