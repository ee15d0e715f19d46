import { OptionError, ShapeError } from '../errors.js';
import { commitTokens } from '../ops/commit-tokens.js';
import {
  type DecodingProgress,
  decodingState,
  finishStep,
  maskPrompt,
  newDecoding,
  readDecoding,
} from '../ops/decoding.js';
import { linearTokenCandidates } from '../ops/linear-token-candidates.js';
import { remaskTokens } from '../ops/remask-tokens.js';
import { tokenCandidates } from '../ops/token-candidates.js';
import type {
  ChoiceInputs,
  ConfidenceKind,
  TokenCandidates,
  TokenCandidatesOptions,
} from '../ops/token-choice.js';
import type { Capture } from '../tensor/capture.js';
import type { NumberSource } from '../tensor/dtype.js';
import type { Runtime } from '../tensor/runtime.js';
import { Tensor } from '../tensor/tensor.js';
import { commitShares, type UnmaskingSchedule } from './unmasking.js';

/** A model's last layer, not run yet: its logits are `hidden · weightᵀ`. */
export interface LastLayer {
  /** (B, R, d), f32 or f16. */
  readonly hidden: Tensor;
  /** The vocabulary matrix (V, d), of the same type; the same tensor in both passes. */
  readonly weight: Tensor;
}

/**
 * The model: logits (B, R, V), f32 or f16, of the last R positions of the sequences `tokens` (B, L) u32, R
 * from the length of the answer to L; or what they come from, and then they are never written. The pass is
 * unconditional for guidance: then the prompt among the tokens is masked, and a condition that comes another way
 * must be left out. Recorded once, so it must do the same in every step and read nothing back.
 */
export type TokenLogits = (tokens: Tensor, pass: 'conditional' | 'unconditional') => Tensor | LastLayer;

export interface MaskedSamplerOptions {
  /** B: sequences decoded together. */
  readonly batch: number;
  /** L: positions of each, prompt and answer. */
  readonly length: number;
  /** Positions of the answer, at the end. */
  readonly answerLength: number;
  /** Id of the token that stands for "not decoded yet". */
  readonly maskId: number;
  /** Positions of a block, a divisor of the answer's; default the whole answer. */
  readonly blockLength?: number;
  /** Steps of the whole decoding, a multiple of the number of blocks; default one for each position. */
  readonly steps?: number;
  /** Default 0: the most probable token. */
  readonly temperature?: number;
  /** Which positions go first; default `probability`. */
  readonly confidence?: ConfidenceKind;
  /** s in unconditional + (s + 1) (conditional - unconditional); default 0, no guidance. */
  readonly guidanceScale?: number;
  /** Ids that may be chosen: see `tokenCandidates`. */
  readonly allowed?: Tensor;
  readonly allowedIndex?: Tensor;
  /**
   * The mask itself may be chosen, as in LLaDA's released code, which bans nothing: such a position stays masked, and
   * its place in the step is used up. For answers that are masked whole and the linear schedule. Default false.
   */
  readonly maskAllowed?: boolean;
  /** How many positions each step of a block commits; default linear. */
  readonly schedule?: UnmaskingSchedule;
  /** Commit also every position whose confidence is at least this, and stop when all are. */
  readonly threshold?: number;
  /** Stop when every answer is full up to its first token of this id; what is masked behind it stays so. */
  readonly stopId?: number;
  /** Positions that may be committed: see `commitTokens`. */
  readonly eligible?: Tensor;
  /** Ids that are not committed before step `from`: the planned order of MDVLM-TAL's time tokens. */
  readonly late?: { readonly ids: Tensor; readonly from: number };
  /** Mask uncertain tokens again in each step: see `remaskTokens`. */
  readonly revision?: {
    /** For each step, the fraction of the tokens (`revisionFractions`). The last must be 0. */
    readonly fractions: readonly number[];
    readonly eligible?: Tensor;
    readonly always?: Tensor;
  };
}

export interface DecodeOptions {
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
export class MaskedSampler {
  #step: Capture<void> | undefined;
  readonly #operands: Tensor[] = [];

  private constructor(
    readonly runtime: Runtime,
    readonly options: MaskedSamplerOptions,
    readonly steps: number,
    /** The sequences (B, L), u32, as they are being decoded. */
    readonly tokens: Tensor,
    /** Of `decodingState`. */
    readonly state: Tensor,
  ) {}

  /** Captures one step. @throws OptionError, ShapeError, DtypeError */
  static async create(
    runtime: Runtime,
    logits: TokenLogits,
    options: MaskedSamplerOptions,
  ): Promise<MaskedSampler> {
    const steps = checkedSteps(options);
    const { batch, length, maskId } = options;
    const tokens = runtime.tensor(new Uint32Array(batch * length).fill(maskId), [batch, length], 'u32');
    const sampler = new MaskedSampler(runtime, options, steps, tokens, decodingState(runtime));
    try {
      await sampler.#capture(logits);
      return sampler;
    } catch (error) {
      sampler.dispose();
      throw error;
    }
  }

  /**
   * Decodes sequences (B L) whose answers are masked, wholly or in part; one call at a time. Nothing is read
   * back before the end but for `onStep` and, with `threshold` or `stopId`, to know whether all is done.
   * @returns the sequences (B L)
   * @throws ShapeError
   */
  async decode(
    sequences: NumberSource,
    { seed = 0, onStep }: DecodeOptions = {},
  ): Promise<Uint32Array<ArrayBuffer>> {
    const mayStop = this.options.threshold !== undefined || this.options.stopId !== undefined;
    this.state.write(newDecoding(seed));
    this.tokens.write(sequences);
    let previous: Promise<DecodingProgress> | undefined;
    for (let step = 0; step < this.steps; step++) {
      this.#step?.run();
      if (onStep) {
        const [tokens, progress] = await Promise.all([this.tokens.read(), readDecoding(this.state)]);
        onStep(tokens as Uint32Array, progress);
        if (this.#isOver(progress)) break;
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
    return (await this.tokens.read()) as Uint32Array<ArrayBuffer>;
  }

  /** Whether further steps would change nothing. */
  #isOver({ masked, block }: DecodingProgress): boolean {
    const { answerLength, blockLength = answerLength, maskAllowed = false } = this.options;
    // Masks that were chosen stay, and blocks that were full early leave steps over.
    return masked === 0 || (maskAllowed && block * blockLength >= answerLength);
  }

  /** Gives the capture and the sequences back; the caller's tensors stay. */
  dispose(): void {
    this.#step?.dispose();
    this.#step = undefined;
    for (const tensor of [this.tokens, this.state, ...this.#operands]) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #capture(logits: TokenLogits): Promise<void> {
    const { tokens, state } = this;
    const { length, answerLength, maskId, allowed, allowedIndex, eligible, late, revision } = this.options;
    const { blockLength = answerLength, schedule = 'linear', guidanceScale = 0 } = this.options;
    const { temperature = 0, confidence = 'probability', maskAllowed = false } = this.options;
    const { threshold, stopId } = this.options;
    const answer = { maskId, start: length - answerLength, blockLength };
    const stepsPerBlock = (this.steps * blockLength) / answerLength;
    const shares = schedule === 'linear' ? undefined : this.#operand(commitShares(stepsPerBlock, schedule));
    const amounts = revision && this.#operand(revision.fractions);

    this.#step = await this.runtime.capture(() => {
      const guided = guidanceScale > 0;
      const unconditional = guided ? logits(maskPrompt(tokens, answer), 'unconditional') : undefined;
      const found = candidatesOf(
        logits(tokens, 'conditional'),
        unconditional,
        { tokens, state, allowed, allowedIndex },
        {
          ...answer,
          ...{ temperature, confidence, maskAllowed, rescore: revision !== undefined },
          ...(guided ? { guidanceScale } : {}),
        },
      );
      let next = commitTokens(
        { tokens, ...found, state, shares, eligible, late: late?.ids },
        {
          ...{ ...answer, stepsPerBlock, maskAllowed },
          ...(threshold === undefined ? {} : { threshold }),
          ...(late ? { lateFrom: late.from } : {}),
        },
      );
      if (revision && amounts) {
        const { confidence } = found;
        const { eligible, always } = revision;
        next = remaskTokens(
          { tokens: next, previous: tokens, confidence, state, amounts, eligible, always },
          answer,
        );
      }
      finishStep(
        { tokens, next, state },
        { ...answer, stepsPerBlock, maskAllowed, ...(stopId === undefined ? {} : { stopId }) },
      );
    });
  }

  /** A tensor of our own, which lives as long as the sampler. */
  #operand(data: NumberSource): Tensor {
    const tensor = this.runtime.tensor(data);
    this.#operands.push(tensor);
    return tensor;
  }
}

/** The candidates by logits or by a last layer; without guidance there is no unconditional one. */
function candidatesOf(
  conditional: Tensor | LastLayer,
  unconditional: Tensor | LastLayer | undefined,
  inputs: ChoiceInputs,
  options: TokenCandidatesOptions,
): TokenCandidates {
  if (conditional instanceof Tensor) {
    if (unconditional === undefined || unconditional instanceof Tensor) {
      return tokenCandidates({ logits: conditional, unconditional, ...inputs }, options);
    }
  } else if (!(unconditional instanceof Tensor)) {
    const { hidden, weight } = conditional;
    if (unconditional === undefined || unconditional.weight === weight) {
      return linearTokenCandidates(
        { hidden, weight, unconditional: unconditional?.hidden, ...inputs },
        options,
      );
    }
  }
  throw new OptionError('both passes must give logits, or hidden states with the same vocabulary matrix');
}

/** The number of steps. @throws OptionError, ShapeError unless the sizes fit together as LLaDA wants them. */
function checkedSteps(options: MaskedSamplerOptions): number {
  const { batch, length, answerLength, blockLength = answerLength, steps = answerLength } = options;
  for (const [name, size] of Object.entries({ batch, length, answerLength, blockLength, steps })) {
    if (!Number.isInteger(size) || size < 1) {
      throw new OptionError(`${name} must be a whole number of at least 1, not ${size}`);
    }
  }
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
  const { guidanceScale = 0 } = options;
  if (!Number.isFinite(guidanceScale) || guidanceScale < 0) {
    throw new OptionError(`guidanceScale must be at least 0, not ${guidanceScale}`);
  }
  const { maskAllowed = false, schedule = 'linear' } = options;
  if (maskAllowed && schedule !== 'linear') {
    throw new OptionError(
      'maskAllowed goes with the linear schedule, whose counts do not depend on what is masked',
    );
  }
  const fractions = options.revision?.fractions;
  if (fractions && (fractions.length !== steps || fractions.at(-1) !== 0)) {
    throw new OptionError(`revision needs a fraction for each of the ${steps} steps, the last one 0`);
  }
  return steps;
}

/**
 * Sequences for `MaskedSampler.decode`: each prompt, padded on the left to the longest, with a masked answer.
 * @returns the tokens (B L) and L
 */
export function maskedSequences(
  prompts: readonly (readonly number[])[],
  answerLength: number,
  { maskId, padId }: { readonly maskId: number; readonly padId: number },
): { tokens: Uint32Array<ArrayBuffer>; length: number } {
  const longest = prompts.reduce((most, prompt) => Math.max(most, prompt.length), 0);
  const length = longest + answerLength;
  const tokens = new Uint32Array(prompts.length * length).fill(maskId);
  for (const [i, prompt] of prompts.entries()) {
    const end = i * length + longest;
    tokens.fill(padId, i * length, end).set(prompt, end - prompt.length);
  }
  return { tokens, length };
}
