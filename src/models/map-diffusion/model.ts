import { checkArgument, checkArguments, checkFields } from '../../arguments.js';
import { GaussianDiffusion } from '../../diffusion/gaussian.js';
import { OptionError, ShapeError } from '../../errors.js';
import { Module } from '../../nn/module.js';
import { add, div, mul, sub } from '../../ops/array/binary.js';
import { concat } from '../../ops/array/concat.js';
import { take } from '../../ops/array/gather.js';
import { sum } from '../../ops/array/reduce.js';
import { narrow } from '../../ops/array/slice.js';
import { clamp, scaleShift, sigmoid, softplus, square } from '../../ops/array/unary.js';
import { iouMap, mapMask } from '../../ops/iou-map/iou-map.js';
import { type MapScale, mapRows, mapScales } from '../../ops/iou-map/map-layout.js';
import type { Runtime } from '../../tensor/runtime.js';
import { anyRuntime } from '../../tensor/runtime.js';
import { sameShape, shapeText } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { anyTensor } from '../../tensor/tensor.js';
import { type ClipEncoder, ClipPositions, clipEncoder, videoShape } from './clip-encoder.js';
import { checkConfig, type MapDiffusionConfig } from './config.js';
import { ConvolutionDecoder } from './convolution-decoder.js';
import type { Decoder } from './decoder.js';
import { Fusion } from './fusion.js';
import { MapEncoder } from './map-encoder.js';
import {
  type Condition,
  type Corruption,
  conditionRule,
  corruptionRules,
  inputRules,
  type MomentInputs,
  type MomentTargets,
  targetRules,
} from './operands.js';
import { Recognition } from './recognition.js';
import { SinglePassHead } from './single-pass.js';
import { TimeEmbedding } from './stylization.js';
import { TransformerDecoder } from './transformer-decoder.js';

/**
 * Multi-scale 2D temporal map diffusion for natural language video localization (Zhang et al.): a multimodal encoder,
 * that of MS-2D-TAN, and a condition-injected decoder for each scale, f_θ(Y_t, t, V, S) = Ŷ_0. Maps are packed as
 * `MapLayout` says: (Q, R, A).
 *
 * With `head: 'single-pass'` it is MS-2D-TAN itself (Zhang et al. 2021), under the names of its released checkpoints.
 */
export class MapDiffusion extends Module {
  readonly diffusion: GaussianDiffusion;
  readonly scales: readonly MapScale[];
  /** What each decoder sees: rows of a scale, or those of all scales. */
  readonly #seenRows: readonly Pick<MapScale, 'offset' | 'rows'>[];
  readonly #clips: ClipEncoder;
  readonly #positions: ClipPositions | undefined;
  readonly #maps: MapEncoder;
  readonly #fusion: Fusion;
  readonly #recognition: Recognition | undefined;
  readonly #time: TimeEmbedding | undefined;
  readonly #decoders: readonly Decoder[];
  readonly #singlePass: SinglePassHead | undefined;

  /** @throws OptionError for a configuration that cannot be */
  constructor(
    runtime: Runtime,
    readonly config: MapDiffusionConfig,
  ) {
    checkArgument('MapDiffusion', 'runtime', runtime, anyRuntime);
    checkConfig(config);
    super(runtime);
    const { layout, hidden, decoder, head, recognition } = config;
    this.scales = mapScales(layout);
    const joins = head === 'diffusion' && decoder.sequence === 'all-scales';
    this.#seenRows = joins ? [{ offset: 0, rows: mapRows(layout) }] : this.scales;
    this.#clips = this.child('clip_module', clipEncoder(runtime, config.clips, hidden, layout.clips));
    this.#positions = config.positions
      ? this.child('positions', new ClipPositions(runtime, hidden, layout.clips))
      : undefined;
    this.#maps = this.child('prop_module', new MapEncoder(runtime, hidden, layout));
    this.#fusion = this.child('fusion_module', new Fusion(runtime, config));
    this.#recognition =
      recognition && this.child('recognition', new Recognition(runtime, hidden, recognition));
    if (head === 'single-pass') {
      this.#singlePass = this.inline(new SinglePassHead(runtime, config));
      this.#decoders = [];
    } else {
      const DecoderKind = decoder.architecture === 'convolution' ? ConvolutionDecoder : TransformerDecoder;
      this.#time = this.child('time_embed', new TimeEmbedding(runtime, decoder.hidden));
      this.#decoders = this.#seenRows.map((seen, k) =>
        this.child(`decoders.${k}`, new DecoderKind(runtime, config, 4 * decoder.hidden, seen)),
      );
    }
    this.diffusion = this.own(() => new GaussianDiffusion(runtime, config.diffusion));
  }

  /**
   * Encodes videos and queries to the fused features of each scale (paper, section 3.3.1), or of all under one another for a
   * decoder that takes them as one sequence.
   * @throws ShapeError where the videos have another shape than `videoShape` gives: more clips than the model sees
   */
  encode(inputs: MomentInputs): Condition {
    checkFields('MapDiffusion.encode', inputs, inputRules, 'operand');
    return this.runtime.scope(() => this.#fuse(this.#seen(inputs), inputs));
  }

  /** The features of the clips (V, d_F, N). */
  #seen({ video }: MomentInputs): Tensor {
    const { clips, layout } = this.config;
    const wanted = videoShape(clips, layout.clips, video.shape[0] ?? 1);
    if (!sameShape(video.shape, wanted)) {
      throw new ShapeError(
        `video must be ${shapeText(wanted)}, ${layout.clips} clips a video, not ${video}: ` +
          'cut a longer video into windows, pad a shorter one with zeros',
      );
    }
    return this.#clips.forward(video);
  }

  /** `encode`, of the features of the clips (V, d_F, N). */
  #fuse(clips: Tensor, { lengths, words, videoOf }: MomentInputs): Condition {
    return this.runtime.scope(() => {
      const ofQueries = (tensor: Tensor) => rowsOfQueries(tensor, videoOf);
      const maps = this.#maps.forward(this.#positions?.forward(clips) ?? clips);
      const mask = ofQueries(mapMask(lengths, this.config.layout));
      const sentence = this.#fusion.sentence(words);
      const scales = maps.map((map, k) => {
        const cells = this.#rowsOf(mask, this.scales[k]!);
        const fused = this.#fusion.fuse(sentence, ofQueries(this.#fusion.moments(map)), cells);
        return { fused, mask: cells };
      });
      if (this.#seenRows.length === scales.length) return { scales, mask };
      const fused = concat(
        scales.map((scale) => scale.fused),
        2,
      );
      return { scales: [{ fused, mask: this.#rowsOf(mask, this.#seenRows[0]!) }], mask };
    });
  }

  /** Computes what all steps of a sampler share. Not for training: no gradients flow through it to the decoders. */
  prepare(condition: Condition): Condition {
    checkArgument('MapDiffusion.prepare', 'condition', condition, conditionRule);
    const { scales, mask } = condition;
    this.checkAlive();
    return { scales: scales.map((scale, k) => this.#decoders[k]?.prepare(scale) ?? scale), mask };
  }

  /** Ŷ_0 (Q, R, A) from the state Y_t (Q, R, A) at the times t (Q) u32. */
  denoise(state: Tensor, t: Tensor, condition: Condition): Tensor {
    checkArguments(
      'MapDiffusion.denoise',
      { state, t, condition },
      { state: anyTensor, t: anyTensor, condition: conditionRule },
    );
    return this.runtime.scope(() => this.#scores(this.#decode(state, t, condition), condition));
  }

  /** The maps (Q, R, A) of a model with a single pass. @throws OptionError for a diffusion model */
  predict(condition: Condition): Tensor {
    checkArgument('MapDiffusion.predict', 'condition', condition, conditionRule);
    return this.runtime.scope(() => this.#scores(this.#decodeAtOnce(condition), condition));
  }

  /**
   * The parts of the training loss, one element each; the loss is their sum. `maps`: for each scale the mean over the valid
   * cells of the batch, summed over the scales (eq. 7 and 8; of MS-2D-TAN with its own head). With `recognition`, the mean
   * of its cross entropy over the clips.
   * @param corruption for diffusion; a single pass has none
   */
  loss(
    inputs: MomentInputs,
    targets: MomentTargets,
    corruption?: Corruption,
  ): { maps: Tensor; recognition?: Tensor } {
    const where = 'MapDiffusion.loss';
    checkFields(where, inputs, inputRules, 'operand');
    checkFields(where, targets, targetRules, 'operand');
    if (corruption !== undefined) checkFields(where, corruption, corruptionRules, 'operand');
    return this.runtime.scope(() => {
      const { layout, loss } = this.config;
      const { spans, spanCounts } = targets;
      const lengths = rowsOfQueries(inputs.lengths, inputs.videoOf);
      const overlaps = iouMap({ spans, spanCounts, lengths, unit: 1 }, layout).map;
      const wanted = this.#rescaled(overlaps);
      const clips = this.#seen(inputs);
      const condition = this.#fuse(clips, inputs);
      const found = this.#singlePass
        ? this.#decodeAtOnce(condition)
        : this.#decode(
            this.diffusion.addNoise({ x0: wanted, ...required(corruption) }),
            required(corruption).t,
            condition,
          );
      const errors =
        loss.kind === 'mse' ? square(sub(found, wanted)) : sub(softplus(found), mul(found, wanted));
      const maps = this.scales
        .map((scale) => {
          const valid = this.#rowsOf(condition.mask, scale);
          return div(sum(mul(this.#rowsOf(errors, scale), valid)), sum(valid));
        })
        .reduce(add);
      if (!this.#recognition) return { maps };
      if (!targets.classes)
        throw new OptionError(
          'MapDiffusion.loss: classes must be a tensor for a model with recognition, not undefined',
        );
      return { maps, recognition: this.#recognition.loss(clips, inputs.lengths, targets.classes) };
    });
  }

  /** What the network says of each cell (Q, R, A). */
  #decode(state: Tensor, t: Tensor, { scales, mask }: Condition): Tensor {
    if (!this.#time) throw new OptionError('a model with a single pass has no steps: use predict');
    const time = this.#time.forward(t);
    const valid = mul(state, mask);
    return this.#packed(
      scales.map((seen, k) =>
        this.#decoders[k]!.forward(this.#rowsOf(valid, this.#seenRows[k]!), time, seen),
      ),
    );
  }

  #decodeAtOnce({ scales }: Condition): Tensor {
    const head = this.#singlePass;
    if (!head) throw new OptionError('a diffusion model has no single pass: sample it');
    return this.#packed(scales.map(({ fused }, k) => head.forward(fused, k)));
  }

  /** As overlaps: through a sigmoid where the network was trained so; 0 in cells that are not valid. */
  #scores(found: Tensor, { mask }: Condition): Tensor {
    return mul(this.config.loss.kind === 'bce' ? sigmoid(found) : found, mask);
  }

  /** The overlaps as the network is to give them. */
  #rescaled(overlaps: Tensor): Tensor {
    const { rescaleFrom } = this.config.loss;
    if (rescaleFrom === 0) return overlaps;
    const scale = 1 / (1 - rescaleFrom);
    return clamp(scaleShift(overlaps, scale, -rescaleFrom * scale), 0, 1);
  }

  /** Rows of a packed map, (Q, 1, rows, A). */
  #rowsOf(map: Tensor, { offset, rows }: Pick<MapScale, 'offset' | 'rows'>): Tensor {
    return narrow(map, 1, offset, rows).reshape([map.shape[0]!, 1, rows, this.config.layout.durations]);
  }

  #packed(maps: readonly Tensor[]): Tensor {
    return concat(
      maps.map((map) => map.reshape([map.shape[0]!, map.shape[2]!, map.shape[3]!])),
      1,
    );
  }
}

/** The rows (V, …) of the videos that the queries are about: (Q, …). */
function rowsOfQueries(videos: Tensor, videoOf: Tensor | undefined): Tensor {
  return videoOf ? take({ x: videos, ids: videoOf }, { axis: 0 }) : videos;
}

function required(corruption: Corruption | undefined): Corruption {
  if (!corruption) {
    throw new OptionError(
      'MapDiffusion.loss: corruption must be noise and times for a diffusion model, not undefined',
    );
  }
  return corruption;
}
