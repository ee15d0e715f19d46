import { type Command, Option } from 'commander';
import { type CacheKind, cacheKinds } from '../../models/mdvlm/decoding/answer-logits.js';
import type { DecodingOptions } from '../../models/mdvlm/decoding/decoding-options.js';
import type { WeightStorage } from '../../nn/weight-storage.js';
import { given } from '../../tensor/given.js';
import { notNegative, share, weightsOption, whole } from './arguments.js';

/** How an answer is decoded; what is not given is left to the model's side. */
export interface DecodingFlags {
  readonly blockLength?: number;
  readonly steps?: number;
  readonly temperature?: number;
  readonly cfgScale?: number;
  readonly seed?: number;
  readonly cache?: CacheKind;
  readonly threshold?: number;
  readonly revise?: number;
  readonly weights?: WeightStorage;
}

/** The names of the flags. */
export const decodingFlags = [
  ...(['blockLength', 'steps', 'temperature', 'cfgScale', 'seed'] as const),
  ...(['cache', 'threshold', 'revise', 'weights'] as const),
] satisfies (keyof DecodingFlags)[];

/** The options that every command has whose model decodes answers. */
export function addDecodingOptions(command: Command): Command {
  return command
    .option(
      '--block-length <n>',
      'tokens of a block; default: 128, or all where that is no divisor',
      whole(1),
    )
    .option(
      '--steps <n>',
      'denoising steps in all; default: 128, or one a token where that does not fit',
      whole(1),
    )
    .option('--temperature <x>', 'default: 0, which always takes the most probable token', notNegative)
    .option(
      '--cfg-scale <x>',
      'classifier-free guidance by masking the prompt; default: 0, none',
      notNegative,
    )
    .option('--seed <n>', 'of the draws at a temperature above 0; default: 0', whole(0))
    .addOption(
      new Option(
        '--cache <kind>',
        "keys and values to keep between steps: the prompt's, which then sees only itself (prefix); of a block's first " +
          'step those before it (block), or around it (dual); default: none',
      ).choices(cacheKinds),
    )
    .option('--threshold <p>', 'commit also all tokens of at least this probability', share)
    .option('--revise <share>', 'of the tokens that the first step may mask again, falling to 0', share)
    .addOption(weightsOption());
}

/** @param length tokens of the answer */
export function decodingOf(flags: DecodingFlags, length: number | undefined): DecodingOptions {
  const { cfgScale: guidanceScale, blockLength, steps, temperature, seed, cache, threshold, revise } = flags;
  return given({ length, blockLength, steps, temperature, guidanceScale, seed, cache, threshold, revise });
}
