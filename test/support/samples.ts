import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { HostRandom } from '../../src/data/host-random.js';
import { WordVectors } from '../../src/data/text/words.js';
import { Cmcs } from '../../src/models/wtal/cmcs.js';
import { smallGrounding, smallGuidance, smallWtal } from './owners.js';
import * as tal from './public-api.js';
import type { Kind } from './public-functions.js';
import { loudMoments, smallMdvlm } from './signal-questions.js';
import { smallTokenizer, smallTokenizerConfig } from './small-tokenizer.js';

const { times, language, visual } = tal.videoMdvlmConfigs.tiny;

/** Numbers of some arguments; 1 is right for most. */
const NUMBERS: Readonly<Record<string, number>> = { axis: 0, headSize: 2, width: 2, classes: 3 };

/** A kernel that sets the first element of a buffer. */
const kernelText = `
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(1) fn set_one() { out[0] = 1.0; }`;

/** Right values for arguments, by the name of their type, of the argument, or by their kind. */
export class Samples {
  readonly #made = new Map<Kind, unknown>();
  readonly #making = new Set<Kind>();

  private constructor(
    readonly runtime: tal.Runtime,
    readonly ready: Readonly<Record<string, unknown>>,
  ) {}

  static async create(runtime: tal.Runtime): Promise<Samples> {
    const tokenizer = await tal.loadTokenizer(
      { tokenizer: smallTokenizer(), config: smallTokenizerConfig },
      new tal.TimeTokens(times),
    );
    const array = { dtype: 'f32', shape: [2], data: new Float32Array(2) } as const;
    const checkpoint = await openSafetensors(encodeSafetensors({ weight: array }));
    const model = (order: 'prefix-diffusion') =>
      tal.makeSignalMdvlm(runtime, { ...smallMdvlm, order }, ['when', 'is']);
    const signal = runtime.detached(() => model('prefix-diffusion'));
    const { asked } = loudMoments();
    const words = new WordVectors(['loud'], new Float32Array(100));
    const questions = new tal.SignalQuestions(signal, asked);
    const map = runtime.detached(() => new tal.MapDiffusion(runtime, tal.mapDiffusionConfigs.hapt));
    const denoise = (state: tal.Tensor) => state;
    const diffusion = new tal.GaussianDiffusion(runtime, { times: 4 });
    const layer = () => ({ hidden: runtime.zeros([1, 2, 4]), weight: runtime.zeros([8, 4]) });
    const signalExamples = new tal.AskedExamples(
      { ...tal.mapDiffusionConfigs.hapt, clips: smallMdvlm.encoder.clips },
      asked,
      words,
    );
    const objectiveOptions = { batch: 1, seed: 1, steps: 1 } as const;
    const video = runtime.detached(() => tal.makeVideoMdvlm(runtime, tal.videoMdvlmConfigs.tiny));
    const wanted = { ids: [1, 1], layout: { length: 2, spans: [] }, spans: [] };
    const chat = tal.encodeChat(tokenizer, [{ role: 'user', content: '<image>' }]);
    const adapted = runtime.detached(
      () =>
        new tal.LanguageModel(runtime, tal.languageConfigs.tiny, {
          lora: { rank: 1, alpha: 1, targets: ['q_proj'] },
        }),
    );
    const co2netSizes = { channels: 2, width: 2, attentionWidth: 2, classes: 2 };
    const localSizes = { channels: 4, classes: 3, width: 4 };
    const fourHeadSizes = { channels: 2, heads: 1, classifierWidth: 2, attentionWidth: 2, classes: 2 };
    const co2net = runtime.detached(() => new tal.Co2Net(runtime, co2netSizes).initialize(1));
    const captions = new tal.CaptionWords(
      ['loud quiet'],
      new WordVectors(['loud', 'quiet'], new Float32Array(200)),
    );
    const guidanceSizes = { batch: 1, steps: 4, channels: 4, classes: 3, wordWidth: 100 };
    const wtalNetwork = runtime.detached(() => new tal.WtalNetwork(runtime, smallWtal, 3).initialize(1));
    const grounding = runtime.detached(() => new tal.GroundingNetwork(runtime, smallGrounding).initialize(1));
    const present = (...shape: number[]) => runtime.detached(() => tal.fill(runtime, shape, 1, 'u32'));
    const zeros = (...shape: number[]) => runtime.detached(() => runtime.zeros(shape));
    const grounded = {
      ...{ video: zeros(1, 4, 3), videoMask: present(1, 4), text: zeros(1, 2, 5), textMask: present(1, 2) },
    };
    const groundingTargets = {
      ...{ spans: zeros(1, 2, 2), spanCounts: present(1), moments: present(1, 4), levels: zeros(1, 4) },
      ...{ higher: present(1, 1), lower: present(1, 1), otherVideo: zeros(1) },
    };
    const linear = new tal.Linear(runtime, 2, 2);
    linear.initialize(1);
    const weight = runtime.detached(() => runtime.zeros([2, 2]));
    const chats = [{ ids: new Uint32Array(2), places: [0, 1], answer: wanted }];
    for (const module of [map, signal.model, video, adapted]) module.initialize(1);
    const layers = {
      Conv1d: new tal.Conv1d(runtime, 1, 1, 1),
      Conv2d: new tal.Conv2d(runtime, 1, 1, 1),
      Dropout: new tal.Dropout(runtime, 0.5),
      DropPath: new tal.DropPath(runtime, 0.5),
      Embedding: new tal.Embedding(runtime, 4, 2),
      FeedForward: new tal.FeedForward(runtime, 2, 2),
      GatedConv2d: new tal.GatedConv2d(runtime, 1, 1, 1),
      Linear: linear,
      LinearLayer: linear,
      LoraAdapter: adapted.lora,
      LoraLinear: new tal.LoraLinear(linear, { runtime, inputs: 2, outputs: 2 }, { rank: 1, alpha: 1 }),
      Lstm: new tal.Lstm(runtime, 2, 2),
      Mlp: new tal.Mlp(runtime, 2, 2, 2, { layers: 2 }),
      Module: linear,
      MultiHeadAttention: new tal.MultiHeadAttention(runtime, 2, 1),
      PRelu: new tal.PRelu(runtime),
      SinePositions: new tal.SinePositions(runtime, 2),
      Parameter: new tal.Parameter(runtime, [2], tal.constantInitial(0), true),
      BatchNorm1d: new tal.BatchNorm1d(runtime, 2),
      BatchNorm2d: new tal.BatchNorm2d(runtime, 2),
      GroupNorm: new tal.GroupNorm(runtime, 1, 2),
      LayerNorm: new tal.LayerNorm(runtime, 2),
      RmsNorm: new tal.RmsNorm(runtime, 2),
      TransformerBlock: new tal.TransformerBlock(runtime, 2, { heads: 1, intermediate: 2 }),
      QuantizedLinear: new tal.QuantizedLinear(runtime, 64, 2, { bits: 8, group: 64 }),
      QuantizedParameter: new tal.QuantizedParameter(runtime, [2, 64], tal.constantInitial(0), {
        ...{ bits: 8, group: 64 },
      }),
    };
    for (const layer of Object.values(layers)) if (layer instanceof tal.Module) layer.initialize(1);
    return new Samples(runtime, {
      ...layers,
      Runtime: runtime,
      GPUBuffer: runtime.gpu.device.createBuffer({
        size: 256,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      }),
      Capture: await runtime.capture(() => runtime.zeros([1])),
      Tensor: runtime.detached(() => runtime.zeros([2, 2, 2, 2])),
      HostRandom: new HostRandom(1),
      WordVectors: words,
      Random: runtime.detached(() => new tal.Random(runtime, 1)),
      MapDiffusion: map,
      MomentExamples: signalExamples,
      AskedExamples: signalExamples,
      AskedWindow: asked[0],
      MomentSampler: await tal.MomentSampler.create(map, { videos: 1, words: 1, steps: 1 }),
      MomentTask: new tal.MomentTask(map, signalExamples, 1, 1),
      GaussianDiffusion: diffusion,
      MaskedSampler: await tal.MaskedSampler.create(runtime, layer, {
        ...{ batch: 1, length: 2, answerLength: 2, maskId: 7 },
      }),
      CachedTokenLogits: { logits: layer },
      LanguageModel: adapted,
      AnswerLogits: new tal.AnswerLogits(
        signal.model.language,
        'none',
        { batch: 1, prompt: [], answerLength: 2, blockLength: 2 },
        ['conditional'],
      ),
      SignalMdvlm: signal,
      LoadedSignalMdvlm: signal,
      SignalEncoder: signal.model.encoder,
      VisualTokenEncoder: signal.model.encoder,
      Mdvlm: signal.model,
      WordVocabulary: signal.vocabulary,
      SignalQuestions: questions,
      SignalQuestion: await questions.question(0),
      KeyValueCache: signal.model.language.keyValueCache(1, 2),
      IouReward: new tal.IouReward(runtime, signal.vocabulary.times, 3),
      MdvlmTask: new tal.MdvlmTask(signal, questions, objectiveOptions),
      LanguageTask: new tal.LanguageTask(adapted, tokenizer.times, chats, objectiveOptions),
      TrainingTask: new tal.MdvlmTask(signal, questions, objectiveOptions),
      AnswerObjective: new tal.AnswerObjective(
        runtime,
        { order: 'diffusion', maskId: 3, times: signal.vocabulary.times },
        { maxLength: 2, maxSpans: 0 },
        objectiveOptions,
      ),
      Tokenizer: tokenizer,
      TextTokenizer: {
        encode: () => ({ ids: [], tokens: [] }),
        decode: () => '',
        id_to_token: () => undefined,
        token_to_id: () => undefined,
      },
      TimeTokens: tokenizer.times,
      Video: {
        ...{ duration: 1, width: 2, height: 2 },
        frames: denoise,
        frameTimes: async () => [0],
        pictures: async function* () {},
        close: async () => {},
      },
      VideoMdvlm: { config: tal.videoMdvlmConfigs.tiny, tokenizer, model: video },
      VisualEncoder: video.encoder,
      VisionTower: video.encoder.tower,
      Safetensors: checkpoint,
      Cmcs: runtime.detached(
        () => new Cmcs(runtime, { channels: 2, width: 2, branchWidth: 2, branches: 1, classes: 2 }),
      ),
      Co2Net: co2net,
      Co2NetConfig: co2netSizes,
      LocalBase: runtime.detached(() => new tal.LocalBase(runtime, localSizes)),
      LocalConfig: localSizes,
      LocalBaseConfig: { kind: 'local', ...localSizes },
      FourHead: runtime.detached(() => new tal.FourHead(runtime, fourHeadSizes)),
      FourHeadConfig: fourHeadSizes,
      FourHeadBase: { kind: 'four-head', ...fourHeadSizes },
      WtalBase: co2net,
      Co2NetBase: { kind: 'co2net', ...co2netSizes },
      BaseOutputs: runtime.detached(() => co2net.forward(runtime.zeros([1, 4, 2]))),
      WtalObjective: { guide: { weight: 1 } },
      ObjectiveOperands: { labels: runtime.detached(() => runtime.zeros([1, 1])) },
      CaptionWords: captions,
      GuidanceConfig: smallGuidance,
      GuidanceSizes: guidanceSizes,
      Guidance: new tal.Guidance(runtime, smallGuidance, guidanceSizes, captions).initialize(1),
      FamilyConfig: tal.actionDiffConfigs.family,
      LatentConfig: tal.actionDiffConfigs.latent,
      MaskDecoderConfig: tal.actionDiffConfigs.family.decoder,
      WtalConfig: smallWtal,
      WtalNetwork: wtalNetwork,
      WtalFile: { architecture: 'wtal', model: smallWtal, classes: ['a', 'b'], training: {} },
      SnippetsConfig: smallWtal.snippets,
      CgDetrConfig: smallGrounding.network,
      CgDetr: runtime.detached(() =>
        new tal.CgDetr(runtime, smallGrounding.network, { video: 3, text: 5 }).initialize(1),
      ),
      GroundingConfig: smallGrounding,
      GroundingNetwork: grounding,
      GroundingFile: { architecture: 'cg-detr', model: smallGrounding, training: {} },
      GroundingOperands: grounded,
      CgDetrTrainingOutputs: runtime.detached(() => grounding.forwardForTraining(grounded, present(1, 4))),
      CgDetrTargets: groundingTargets,
      GroundedVideo: { spans: [{ centre: 0.5, width: 0.5, score: 1 }], saliency: [1] },
      CgDetrObjective: tal.cgDetrObjectives['cg-detr'],
      WindowPrior: tal.WindowPrior.fit([{ words: ['a'], windows: [[0, 1]] }]),
      AdamW: new tal.AdamW({ weight }),
      SGD: new tal.SGD({ weight }),
      KernelSource: { name: 'one', text: kernelText, imports: {} },
      Launch: { source: kernelText, buffers: { out: weight }, workgroups: [1] },
      MapDiffusionConfig: tal.mapDiffusionConfigs.hapt,
      LanguageConfig: language,
      VisualConfig: visual,
      VisionConfig: visual.vision,
      VideoMdvlmConfig: tal.videoMdvlmConfigs.tiny,
      SignalMdvlmConfig: smallMdvlm,
      SignalEncoderConfig: smallMdvlm.encoder,
      EncodedChat: chat,
      NumericArray: array,
      FeaturePart: { file: 'features/{id}.npy' },
      AnnotationFiles: { layout: 'tal', files: 'annotations.json' },
      Features: { steps: 1, channels: 2, data: new Float32Array(2) },
      TimeTokensOptions: times,
      // By default an answer has 128 tokens.
      GenerateOptions: { length: 2, steps: 1 },
      RecognitionConfig: { classes: 2, weight: 1 },
      VideoFormat: { width: 2, height: 2, rate: 1 },
      ProposalOptions: tal.CMCS_PROPOSALS,
      ByteSource: {},
      VideoDataset: { name: 'made', classes: [], splits: [], items: () => [], close: async () => {} },
      AbortSignal: new AbortController().signal,
      ArrayBuffer: new ArrayBuffer(8),
    });
  }

  /** @param name of the argument or field */
  of(kind: Kind, name: string): unknown {
    if ('type' in kind && Object.hasOwn(this.ready, kind.type)) return fitting(kind, this.ready[kind.type]);
    const simple = kind.kind === 'record' && kind.type !== '';
    if (simple && this.#made.has(kind)) return this.#made.get(kind);
    // A type may hold itself: such a list or dictionary is empty.
    if (this.#making.has(kind)) return kind.kind === 'list' ? [] : {};
    this.#making.add(kind);
    const made = this.#make(kind, name);
    this.#making.delete(kind);
    if (simple) this.#made.set(kind, made);
    return made;
  }

  #make(kind: Kind, name: string): unknown {
    switch (kind.kind) {
      case 'number':
        return NUMBERS[name] ?? 1;
      case 'string':
        return 'text';
      case 'boolean':
        return true;
      case 'bigint':
        return 1n;
      case 'function':
        return () => undefined;
      case 'choice':
        return kind.choices[0];
      case 'list':
        return [this.of(kind.item(), name)];
      case 'tuple':
        return kind.items().map((item) => this.of(item.kind, name));
      case 'map':
        return new Map([['some', this.of(kind.item(), name)]]);
      case 'dictionary':
        return { some: this.of(kind.item(), name) };
      case 'numbers':
        return kind.type.endsWith('Array') ? new globalThis[kind.type as 'Uint8Array'](4) : [1];
      case 'union':
        return this.of(kind.members()[0]!, name);
      case 'record':
        return Object.fromEntries(
          kind
            .fields()
            .filter(({ optional }) => !optional)
            .map((field) => [field.name, this.of(field.kind, field.name)]),
        );
      default:
        return {};
    }
  }
}

/** Of a type made of another, such as `Omit<LanguageConfig, …>`, the fields that it has. */
function fitting(kind: Kind, ready: unknown): unknown {
  if (kind.kind !== 'record' || Object.getPrototypeOf(ready) !== Object.prototype) return ready;
  const names = kind.fields().map(({ name }) => name);
  return Object.fromEntries(Object.entries(ready as object).filter(([name]) => names.includes(name)));
}
