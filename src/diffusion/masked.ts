import { type Abortable, type AbortSignalLike, abortRules } from '../abort.js';
import {
  callback,
  checkArgument,
  checkArguments,
  checkFields,
  either,
  integer,
  listOf,
  numbers,
  objectWith,
  optional,
  type Rule,
  type Rules,
  rule,
  uint32,
} from '../arguments.js';
import { OptionError, ShapeError } from '../errors.js';
import { type DecodingProgress, decodingState, newDecoding, readDecoding } from '../ops/sampling/decoding.js';
import type { Capture } from '../tensor/capture.js';
import type { NumberSource } from '../tensor/dtype.js';
import { given } from '../tensor/given.js';
import { Owner } from '../tensor/owner.js';
import type { Runtime } from '../tensor/runtime.js';
import { anyRuntime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { type MaskedSamplerOptions, samplerRules } from './masked-options.js';
import { eachPass, recordStep, type StepOperands } from './masked-step.js';
import type { CachedTokenLogits, TokenLogits } from './token-logits.js';
import { commitShares } from './unmasking.js';

const modelRule: Rule<TokenLogits | CachedTokenLogits> = {
  ...either(callback, objectWith<Pick<CachedTokenLogits, 'logits'>>({ logits: callback })),
  expected: 'a function, or an object with logits',
};

/** Of the random numbers of a decoding. */
export const seedRule: Rule<number | bigint> = rule(
  'an integer of at least 0, or a BigInt from 0n to 2^64 - 1',
  (value) =>
    typeof value === 'bigint'
      ? value >= 0n && value < 2n ** 64n
      : Number.isSafeInteger(value) && Number(value) >= 0,
);

const decodeRules: Rules<DecodeOptions> = {
  seed: optional(seedRule),
  onStep: optional(callback),
  ...abortRules,
};

/** After an abort the sampler can decode again. */
export interface DecodeOptions extends Abortable {
  /** Seed of the Gumbel numbers and random confidences; default 0. The same seed gives the same tokens. */
  readonly seed?: number | bigint;
  /** Called after each step with the sequences (B L). Waits for the device each time. */
  readonly onStep?: (tokens: Uint32Array, progress: DecodingProgress) => void;
}

/**
 * Decoder of masked diffusion language models, block by block from left to right (semi-autoregressive), as
 * LLaDA's and LLaDA-V's, with the confident decoding of Dimple and Fast-dLLM and the editable one of
 * MDVLM-TAL. One step is captured with the model in it, and replayed with all decisions made on the device.
 *
 * @example
 * const sampler = await MaskedSampler.create(runtime, model, { batch: 1, length, answerLength: 64, maskId });
 * const { tokens, length } = maskedSequences([prompt], 64, { maskId, padId });
 * console.log(await sampler.decode(tokens));
 */
export class MaskedSampler extends Owner {
  readonly #operands: StepOperands;
  #prepare: Capture<void> | undefined;
  #step: Capture<void> | undefined;
  /** A step in this block, after its first. */
  #inBlock: { readonly block: number; readonly step: Capture<void> } | undefined;

  private constructor(
    runtime: Runtime,
    readonly model: CachedTokenLogits,
    readonly options: MaskedSamplerOptions,
    readonly steps: number,
  ) {
    super(runtime);
    const { batch, length, answerLength, maskId, schedule = 'linear', revision, spans } = options;
    const { keepConfidence = false } = options;
    this.#operands = this.own(() => ({
      tokens: runtime.tensor(new Uint32Array(batch * length).fill(maskId), [batch, length], 'u32'),
      state: decodingState(runtime),
      shares: schedule === 'linear' ? undefined : runtime.tensor(commitShares(this.#stepsPerBlock, schedule)),
      amounts: revision && runtime.tensor(revision.fractions),
      times: spans && runtime.tensor(timeIds(spans), undefined, 'u32'),
      sure: keepConfidence ? runtime.zeros([batch, answerLength]) : undefined,
    }));
  }

  /** The sequences (B, L), u32, as they are being decoded. */
  get tokens(): Tensor {
    return this.#operands.tokens;
  }

  /** Of `decodingState`. */
  get state(): Tensor {
    return this.#operands.state;
  }

  /** With `keepConfidence`, f32 (B, answerLength): the confidence with which each token of the answers was committed, else 0. */
  get confidence(): Tensor | undefined {
    return this.#operands.sure;
  }

  /** Captures one step. @throws OptionError, ShapeError, DtypeError */
  static async create(
    runtime: Runtime,
    model: TokenLogits | CachedTokenLogits,
    options: MaskedSamplerOptions,
  ): Promise<MaskedSampler> {
    checkArguments('MaskedSampler', { runtime, model }, { runtime: anyRuntime, model: modelRule });
    const steps = checkedSteps(options);
    if (options.allowed) await checkAllowed(options.allowed, options);
    const cached = typeof model === 'function' ? { logits: model } : model;
    const sampler = new MaskedSampler(runtime, cached, options, steps);
    try {
      await sampler.#capture();
      return sampler;
    } catch (error) {
      sampler.dispose();
      throw error;
    }
  }

  /**
   * Decodes sequences (B L) whose answers are masked, wholly or in part; one call at a time. Nothing is read
   * back before the end but for `onStep` and, with `threshold` or `stopId`, to know whether all is done, or to know
   * the block where the model keeps something during it.
   * @returns the sequences (B L)
   * @throws ShapeError; ReleasedError after `dispose()`
   */
  async decode(sequences: NumberSource, options: DecodeOptions = {}): Promise<Uint32Array<ArrayBuffer>> {
    checkArgument('MaskedSampler.decode', 'sequences', sequences, numbers);
    checkFields('MaskedSampler.decode', options, decodeRules);
    const { seed = 0, onStep, signal } = options;
    signal?.throwIfAborted();
    this.checkAlive();
    const mayStop = this.options.threshold !== undefined || this.options.stopId !== undefined;
    this.state.write(newDecoding(seed));
    this.tokens.write(sequences);
    this.confidence?.write(new Float32Array(this.confidence.size));
    this.#prepare?.run();
    let previous: Promise<DecodingProgress> | undefined;
    let block: number | undefined;
    let next = 0;
    for (let step = 0; step < this.steps; step++) {
      signal?.throwIfAborted();
      const inside = block === next && this.model.inBlock ? await this.#stepIn(next, signal) : this.#step;
      block = next;
      inside?.run();
      if (onStep || this.model.inBlock) {
        const [tokens, progress] = await Promise.all([
          onStep ? this.tokens.read() : undefined,
          readDecoding(this.state),
        ]);
        onStep?.(tokens as Uint32Array, progress);
        if (this.#isOver(progress)) break;
        next = Math.min(progress.block, this.#blocks - 1);
      } else if (mayStop) {
        // Looked at one step later, so that the device never waits: a step too many changes nothing.
        const progress = readDecoding(this.state);
        progress.catch(() => {});
        const before = await previous;
        if (before && this.#isOver(before)) break;
        previous = progress;
      } else {
        await this.runtime.flush();
      }
    }
    const tokens = (await this.tokens.read()) as Uint32Array<ArrayBuffer>;
    signal?.throwIfAborted();
    return tokens;
  }

  get #blocks(): number {
    const { answerLength, blockLength = answerLength } = this.options;
    return answerLength / blockLength;
  }

  /** Whether further steps would change nothing. */
  #isOver({ masked, block }: DecodingProgress): boolean {
    // Masks that were chosen stay, and blocks that were full early leave steps over.
    return masked === 0 || (this.options.maskAllowed === true && block >= this.#blocks);
  }

  async #capture(): Promise<void> {
    const { runtime, tokens, model, options } = this;
    const { prepare } = model;
    const signal = given({ signal: options.signal });
    if (prepare) {
      this.#prepare = this.takeOver(
        await runtime.capture(
          () => void eachPass(tokens, options, (ids, pass) => prepare(ids, pass)),
          signal,
        ),
      );
    }
    this.#step = await this.#captureStep((ids, pass) => model.logits(ids, pass), options.signal);
  }

  /** A step in a block after its first one. Only that of one block is kept: blocks follow one another. */
  async #stepIn(block: number, signal: AbortSignalLike | undefined): Promise<Capture<void>> {
    if (this.#inBlock?.block === block) return this.#inBlock.step;
    if (this.#inBlock) this.free(this.#inBlock.step);
    this.#inBlock = undefined;
    const step = await this.#captureStep((ids, pass) => this.model.inBlock!(ids, pass, block), signal);
    this.#inBlock = { block, step };
    return step;
  }

  async #captureStep(logits: TokenLogits, signal: AbortSignalLike | undefined): Promise<Capture<void>> {
    const record = () => recordStep(this.#operands, logits, this.#stepsPerBlock, this.options);
    return this.takeOver(await this.runtime.capture(record, given({ signal })));
  }

  get #stepsPerBlock(): number {
    return this.steps / this.#blocks;
  }
}

/** The number of steps. @throws OptionError, ShapeError unless the sizes fit together as LLaDA wants them. */
function checkedSteps(options: MaskedSamplerOptions): number {
  checkFields('MaskedSampler', options, samplerRules);
  const { length, answerLength, blockLength = answerLength, steps = answerLength } = options;
  if (answerLength > length) {
    throw new ShapeError(`an answer of ${answerLength} positions does not fit into a sequence of ${length}`);
  }
  const blocks = answerLength / blockLength;
  if (!Number.isInteger(blocks)) {
    throw new OptionError(`blockLength ${blockLength} must divide answerLength ${answerLength}`);
  }
  if (steps % blocks !== 0) {
    throw new OptionError(`steps ${steps} must be a multiple of the ${blocks} blocks`);
  }
  const { maskAllowed = false, schedule = 'linear' } = options;
  if (maskAllowed && schedule !== 'linear') {
    throw new OptionError(
      'maskAllowed goes with the linear schedule, whose counts do not depend on what is masked',
    );
  }
  if (maskAllowed && (options.revision || options.late)) {
    throw new OptionError('maskAllowed has fixed counts: they leave no place for late or revised tokens');
  }
  // A block that is full early skips its remaining steps, so its last step would not be the last of all.
  if (options.revision && blocks > 1 && (options.threshold !== undefined || steps > answerLength)) {
    throw new OptionError(
      'revision in several blocks takes at most a step a position, and no threshold: no block may be full early',
    );
  }
  const fractions = options.revision?.fractions;
  if (fractions && (fractions.length !== steps || fractions.at(-1) !== 0)) {
    throw new OptionError(`revision needs a fraction for each of the ${steps} steps, the last one 0`);
  }
  return steps;
}

/**
 * Whether each set of ids that may be chosen has one: the mask is one only with `maskAllowed`.
 * @throws OptionError
 */
async function checkAllowed(
  allowed: Tensor,
  { maskId, maskAllowed = false }: MaskedSamplerOptions,
): Promise<void> {
  if (allowed.dtype !== 'u32') return;
  const words = await allowed.read();
  const width = allowed.shape.at(-1) ?? 1;
  for (let set = 0; set * width < words.length; set++) {
    const ids = words.subarray(set * width, (set + 1) * width).slice();
    if (!maskAllowed && maskId >>> 5 < width) ids[maskId >>> 5]! &= ~(1 << (maskId & 31));
    if (ids.some((word) => word !== 0)) continue;
    throw new OptionError(
      `MaskedSampler: allowed must hold an id beside the mask in each set, not none in set ${set}`,
    );
  }
}

function timeIds({ firstId, count }: NonNullable<MaskedSamplerOptions['spans']>): number[] {
  return Array.from({ length: count }, (_, i) => firstId + i);
}

/**
 * Sequences for `MaskedSampler.decode`: each prompt, padded on the left to the longest, with a masked answer.
 * @returns the tokens (B L) and L
 * @throws OptionError
 */
export function maskedSequences(
  prompts: readonly (readonly number[])[],
  answerLength: number,
  ids: { readonly maskId: number; readonly padId: number },
): { tokens: Uint32Array<ArrayBuffer>; length: number } {
  checkArguments(
    'maskedSequences',
    { prompts, answerLength },
    { prompts: listOf(listOf(uint32)), answerLength: integer(1) },
  );
  checkFields('maskedSequences', ids, { maskId: uint32, padId: uint32 });
  const { maskId, padId } = ids;
  const longest = prompts.reduce((most, prompt) => Math.max(most, prompt.length), 0);
  const length = longest + answerLength;
  const tokens = new Uint32Array(prompts.length * length).fill(maskId);
  for (const [i, prompt] of prompts.entries()) {
    const end = i * length + longest;
    tokens.fill(padId, i * length, end).set(prompt, end - prompt.length);
  }
  return { tokens, length };
}
