import { checkArgument, checkArguments, object } from '../../../arguments.js';
import { normalInitial } from '../../../nn/initial.js';
import { Linear } from '../../../nn/linear.js';
import { Mlp } from '../../../nn/mlp.js';
import { Module, type Parameter } from '../../../nn/module.js';
import { SinePositions } from '../../../nn/sine-positions.js';
import type { TransformerBlock } from '../../../nn/transformer.js';
import { add, div, maximum } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { concat } from '../../../ops/array/concat.js';
import { cumsum } from '../../../ops/array/cumsum.js';
import { narrow } from '../../../ops/array/slice.js';
import { sigmoid } from '../../../ops/array/unary.js';
import { within } from '../../../ops/call.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import { anyTensor, expectDtype, expectShape, type Tensor } from '../../../tensor/tensor.js';
import type { RetrievedCodes } from '../masra/codebook.js';
import { contextLayersOf } from '../masra/config.js';
import { AdaptiveInteraction } from './adaptive-interaction.js';
import { type CgDetrConfig, type CgDetrSizes, cgDetrSizesRule, checkCgDetrConfig } from './config.js';
import { CrossInteraction } from './cross-interaction.js';
import type { Decoder } from './decoder.js';
import { InputProjection } from './input-projection.js';
import {
  type Clips,
  type Encoded,
  encoderBlock,
  encodeWith,
  type Interaction,
  type Told,
} from './interaction.js';
import { JointInteraction } from './joint-interaction.js';
import { type Aligned, MomentAlignment } from './moment-alignment.js';
import { checkGroundingOperands, type GroundingOperands } from './operands.js';
import { SpanDecoder } from './span-decoder.js';
import { VectorDecoder } from './vector-decoder.js';

/** What is found in videos. */
export interface CgDetrOutputs {
  /** (layers, B, Q, 2): logits of each layer of the decoder, that a query's span is a moment, and that it is none. */
  readonly logits: Tensor;
  /** (layers, B, Q, 2): centre and width, as parts of the video's T clips. The last layer's are the result. */
  readonly spans: Tensor;
  /** (B, T): how well each clip shows what the text is about. */
  readonly saliency: Tensor;
  /** (B, T, D + L): probabilities that clips give dummies and words; `adaptive` only. */
  readonly weights?: Tensor;
}

/** What training learns from beside. */
export interface CgDetrTrainingOutputs extends CgDetrOutputs {
  /** The same videos with the text of the next element of the batch, of the last with the first; not `joint`. */
  readonly negatives?: Pick<CgDetrOutputs, 'saliency' | 'weights'>;
  /** Vectors of moments and sentences; `adaptive` only, as all that follows. */
  readonly aligned?: Aligned;
  /** (B, D, d): the dummies as the words refined them. */
  readonly dummies?: Tensor;
  /** (prompts, d): those of the saliency token. */
  readonly prompts?: Tensor;
  /** u32 (B, D + L): which of the keys of `weights` are dummies or words. */
  readonly keyMask?: Tensor;
  /** (B, T, d): E, the clips that know the text, before relational attention and encoder. */
  readonly features?: Tensor;
  /** (B, T, P): the temporal context of the clips in the space of the embeddings of events; with `masra.semanticAlignment` only. */
  readonly described?: Tensor;
  /** Where the dummies come from a codebook. */
  readonly retrieved?: RetrievedCodes;
}

/**
 * CG-DETR (Moon et al., arXiv:2311.08835): finds the moments that a text is about, and tells how well each clip shows it. With
 * parts off it is QD-DETR or Moment-DETR: see `CgDetrConfig`. Weights have the names of the released checkpoints of each.
 *
 * Clips attend to words (`Interaction`), an encoder follows, and a decoder finds Q spans. Padding of videos and texts changes
 * nothing.
 */
export class CgDetr extends Module {
  readonly #video: InputProjection;
  readonly #text: InputProjection;
  readonly #types: Parameter | undefined;
  readonly #places: SinePositions;
  readonly #context: readonly TransformerBlock[];
  readonly #described: Linear | undefined;
  readonly #interaction: Interaction;
  readonly #alignment: MomentAlignment | undefined;
  readonly #decoder: Decoder;
  readonly #classes: Linear;
  readonly #spans: Mlp;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: CgDetrConfig,
    readonly sizes: CgDetrSizes,
  ) {
    checkArguments(
      'CgDetr',
      { runtime, config, sizes },
      { runtime: anyRuntime, config: object as never, sizes: cgDetrSizesRule },
    );
    checkCgDetrConfig(config);
    super(runtime);
    const { width, interaction, decoder, masra = {} } = config;
    this.#video = this.child('input_vid_proj', new InputProjection(runtime, sizes.video, config));
    this.#text = this.child('input_txt_proj', new InputProjection(runtime, sizes.text, config));
    this.#types = config.tokenTypes
      ? this.parameter('token_type_embeddings.weight', [2, width], normalInitial(0.02))
      : undefined;
    this.#interaction = this.inline(interactionOf(runtime, config));
    this.#alignment =
      interaction.kind === 'adaptive'
        ? this.inline(new MomentAlignment(runtime, config, interaction))
        : undefined;
    this.#classes = this.child('class_embed', new Linear(runtime, width, 2));
    this.#spans = this.child('span_embed', new Mlp(runtime, width, width, 2, { layers: 3 }));
    this.#context = Array.from({ length: contextLayersOf(masra) }, (_, i) =>
      this.child(`masra.context.layers.${i}`, encoderBlock(runtime, config)),
    );
    this.#described =
      masra.semanticAlignment &&
      this.child(
        'masra.semantic_alignment',
        new Linear(runtime, width, masra.semanticAlignment.channels, { bias: false }),
      );
    // They have tensors from the beginning: where one cannot be made, the other is freed.
    const [found, places] = this.own(() => [
      decoder.kind === 'spans' ? new SpanDecoder(runtime, config) : new VectorDecoder(runtime, config),
      new SinePositions(runtime, width),
    ]);
    this.#decoder = this.inline(found!);
    this.#places = this.child('places', places!);
    for (const name of releasedAlone) this.unused(name);
  }

  /** (K, d): the codes of MASRA's codebook; undefined where there is none. */
  get codes(): Tensor | undefined {
    return this.#interaction instanceof AdaptiveInteraction ? this.#interaction.codes : undefined;
  }

  /** @throws ShapeError, DtypeError, OptionError */
  forward(operands: GroundingOperands): CgDetrOutputs {
    checkGroundingOperands('CgDetr.forward', operands, this.sizes);
    return this.runtime.scope(() => {
      const { clips, text, textMask } = this.#projected(operands, this.config.masra?.guidedEnhancement);
      return this.#outputs(this.#interaction.forward(clips, this.#interaction.tell(text, textMask, clips)));
    });
  }

  /**
   * As `forward`, with what losses are made of.
   * @param moments u32 (B, T): 1 for clips of moments
   * @throws ShapeError, DtypeError, OptionError
   */
  forwardForTraining(operands: GroundingOperands, moments: Tensor): CgDetrTrainingOutputs {
    const where = 'CgDetr.forwardForTraining';
    checkGroundingOperands(where, operands, this.sizes);
    checkArgument(where, 'moments', moments, anyTensor);
    within(where, () => {
      expectShape(moments, 'moments', operands.videoMask.shape);
      expectDtype(moments, 'moments', 'u32');
    });
    const interaction = this.#interaction;
    return this.runtime.scope(() => {
      const { clips, text, textMask } = this.#projected(operands, true);
      if (interaction instanceof JointInteraction)
        return this.#outputs(interaction.forward(clips, interaction.tell(text, textMask)));
      const batch = text.shape[0]!;
      const twiceSeen: Clips = {
        ...{ video: doubled(clips.video), videoMask: doubled(clips.videoMask) },
        positions: doubled(clips.positions),
        ...(clips.context && { context: doubled(clips.context) }),
      };
      const twiceTold = interaction.tellPairs(text, textMask, twiceSeen);
      const twice = interaction.forward(twiceSeen, twiceTold);
      const part = (x: Tensor, k: number) => narrow(x, 0, k * batch, batch);
      const own = (x: Tensor) => part(x, 0);
      const told: Told = { text: own(twiceTold.text), textMask: own(twiceTold.textMask) };
      const { memory, memoryMask, memoryPositions, saliency, weights } = twice;
      const outputs = this.#outputs({
        memory: own(memory),
        memoryMask: own(memoryMask),
        memoryPositions: own(memoryPositions),
        saliency: own(saliency),
        ...(weights && { weights: own(weights) }),
      });
      const negatives = { saliency: part(saliency, 1), ...(weights && { weights: part(weights, 1) }) };
      if (!(interaction instanceof AdaptiveInteraction)) return { ...outputs, negatives };
      return {
        ...{ ...outputs, negatives },
        aligned: this.#alignment!.forward(clips, told, interaction.dummyPositions, moments),
        dummies: narrow(told.text, 1, 0, interaction.sizes.dummies),
        prompts: interaction.prompts.reshape(interaction.prompts.shape),
        keyMask: told.textMask,
        features: own(twice.features!),
        ...(this.#described && { described: this.#described.forward(clips.context!) }),
        ...(twiceTold.retrieved && { retrieved: firstCodes(twiceTold.retrieved, batch) }),
      };
    });
  }

  /** Clips and words at the width of the model; the clips with their context where it is wanted and there are layers of it. */
  #projected({ video, videoMask, text, textMask }: GroundingOperands, withContext = false) {
    return this.runtime.scope(() => {
      const typed = (x: Tensor, type: number) =>
        this.#types ? add(x, narrow(this.#types.tensor, 0, type, 1)) : x;
      const seen = typed(this.#video.forward(video), 1);
      const positions = this.#places.forward(shareBefore(videoMask));
      const context =
        withContext && this.#context.length > 0
          ? encodeWith(this.#context, seen, videoMask, positions)
          : undefined;
      const clips: Clips = { video: seen, videoMask, positions, ...(context && { context }) };
      return { clips, text: typed(this.#text.forward(text), 0), textMask };
    });
  }

  #outputs(encoded: Encoded): CgDetrOutputs {
    return this.runtime.scope(() => {
      const { states, spans } = this.#decoder.forward(encoded);
      const found = this.#spans.forward(states);
      return {
        logits: this.#classes.forward(states),
        spans: sigmoid(spans ? add(found, spans) : found),
        saliency: encoded.saliency,
        ...(encoded.weights && { weights: encoded.weights }),
      };
    });
  }
}

/** What the released checkpoints of CG-DETR hold and its network does not use. */
const releasedAlone = ['LayerNorm.weight', 'LayerNorm.bias', 'net.1.weight', 'net.1.bias'].map(
  (name) => `txt_proj_linear.${name}`,
);

function interactionOf(runtime: Runtime, config: CgDetrConfig): Interaction {
  const { interaction } = config;
  switch (interaction.kind) {
    case 'adaptive':
      return new AdaptiveInteraction(runtime, config, interaction);
    case 'cross':
      return new CrossInteraction(runtime, config, interaction);
    case 'joint':
      return new JointInteraction(runtime, config);
  }
}

/** Of masks (B, T) which share of a video's clips there are up to each, that one with them. */
function shareBefore(mask: Tensor): Tensor {
  return mask.runtime.scope(() => {
    const counts = cumsum(cast(mask, 'f32'));
    return div(counts, maximum(narrow(counts, 1, mask.shape[1]! - 1, 1), 1));
  });
}

function doubled(x: Tensor): Tensor {
  return concat([x, x], 0);
}

/** Those of the first elements. */
function firstCodes({ context, ids, tokens }: RetrievedCodes, batch: number): RetrievedCodes {
  const first = (x: Tensor) => narrow(x, 0, 0, batch);
  return { context: first(context), ids: first(ids), tokens: first(tokens) };
}
