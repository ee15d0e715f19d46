import type { Freeable } from '../../src/tensor/owner.js';
import {
  AdamW,
  AnswerLogits,
  AnswerObjective,
  actionDiffConfigs,
  BatchNorm1d,
  BatchNorm2d,
  CaptionWords,
  CgDetr,
  Cmcs,
  CO2NET_PROPOSALS,
  Co2Net,
  Conv1d,
  Conv2d,
  cgDetrConfigs,
  chatExample,
  constantInitial,
  Dropout,
  DropPath,
  Embedding,
  FeedForward,
  FourHead,
  GatedConv2d,
  GaussianDiffusion,
  type GroundingConfig,
  GroundingNetwork,
  GroupNorm,
  Guidance,
  type GuidanceConfig,
  ground,
  IouReward,
  KeyValueCache,
  type LanguageConfig,
  LanguageModel,
  LanguageTask,
  LayerNorm,
  Linear,
  LocalBase,
  LoraAdapter,
  LoraLinear,
  Lstm,
  loadTokenizer,
  MapDiffusion,
  type MapDiffusionConfig,
  MaskedSampler,
  MdvlmTask,
  Mlp,
  type Module,
  type MomentExamples,
  MomentSampler,
  MomentTask,
  MultiHeadAttention,
  makeSignalMdvlm,
  Parameter,
  PRelu,
  QuantizedLinear,
  QuantizedParameter,
  Random,
  RmsNorm,
  type Runtime,
  SGD,
  SignalEncoder,
  SignalQuestions,
  SinePositions,
  type Tensor,
  TimeTokens,
  TransformerBlock,
  VisionTower,
  VisualEncoder,
  visualConfigs,
  WordVectors,
  WordVocabulary,
  type WtalConfig,
  WtalNetwork,
} from './public-api.js';
import { loudMoments, loudSentences, smallMdvlm } from './signal-questions.js';
import { smallIds, smallTokenizer, smallTokenizerConfig } from './small-tokenizer.js';

/** How an object that owns tensors is made and used. All that it is given is made before, and stays. */
export interface OwnerCase {
  make(): Promise<OwnerInUse> | OwnerInUse;
  /** Tries to make one that cannot be. */
  broken?(): unknown;
}

export interface OwnerInUse {
  readonly owner: Freeable & Disposable;
  /** Uses it in all ways that need what it owns, each by itself. Tensors that come of it are left to the scope. */
  readonly uses: readonly (() => unknown)[];
}

export const smallLanguage: LanguageConfig = {
  ...{ hidden: 16, layers: 1, heads: 2, keyHeads: 1, headSize: 8, intermediate: 16, vocabulary: 544 },
  ...{ ropeTheta: 10_000, epsilon: 1e-5, maxPositions: 64, maskId: smallIds.mask, tied: true },
};

export const smallMaps: MapDiffusionConfig = {
  layout: { clips: 4, scales: 2, durations: 2 },
  clips: { kind: 'features', channels: 3, pool: 1 },
  words: { size: 5, hidden: 4, layers: 1, packed: true },
  hidden: 4,
  positions: true,
  head: 'diffusion',
  recognition: { classes: 2, weight: 0.1 },
  decoder: {
    ...{ architecture: 'convolution', condition: 'concatenation' },
    ...{ embedding: 4, hidden: 4, layers: 1, kernel: 3, groups: 2, heads: 2 },
    stylization: { input: 'state', layers: true },
  },
  diffusion: { times: 20, schedule: 'linear' },
  loss: { kind: 'mse', rescaleFrom: 0 },
};

const cgDetrPublished = cgDetrConfigs['cg-detr'];

/** CG-DETR on features of 3 channels and words of 5 numbers. */
export const smallGrounding: GroundingConfig = {
  clips: { kind: 'features', channels: 3 },
  longest: 4,
  text: { kind: 'words', channels: 5, longest: 2 },
  network: {
    ...cgDetrPublished,
    ...{ width: 8, heads: 2, intermediate: 8, encoderLayers: 1 },
    interaction: { ...cgDetrPublished.interaction, layers: 1, dummies: 2, dummyLayers: 1, prompts: 2 },
    decoder: { kind: 'spans', layers: 1, queries: 2 },
  },
};

/** A weakly supervised model of features of 4 channels. */
export const smallWtal: WtalConfig = {
  ...{ snippets: { kind: 'features', channels: 4 }, steps: 6, proposals: CO2NET_PROPOSALS },
  base: { kind: 'local', width: 4 },
  videoScore: { kind: 'probabilities', ratio: 2 },
  diffusion: {
    ...actionDiffConfigs.latent,
    decoder: { maps: 4, layers: 1, kernel: 3, timeEmbedding: 4, dropout: 0 },
    conditionWidth: 4,
  },
};

/** Both parts of MLLM4WTAL. */
export const smallGuidance: GuidanceConfig = {
  ksm: { width: 4 },
  csr: {
    ...{ width: 4, heads: 2, layers: 1, intermediate: 4, attention: { width: 2, code: 2 } },
  },
};

/** Two videos of `smallMaps` with a query each. */
export const smallExamples: MomentExamples = {
  ...{ size: 2, queries: 1, words: 2, spans: 1 },
  example: (index) => ({
    video: new Float32Array(12).fill(index + 1),
    ...{ clips: 4, unit: 1, duration: 4, classes: [0, 1, 1, 0] },
    queries: [{ words: new Float32Array(10).fill(0.5), spans: [[1, 3]] }],
  }),
};

const times = new TimeTokens({ count: 20, firstId: smallIds.reserved });
const size = { rank: 2, alpha: 4 };
const lora = { ...size, targets: ['q_proj', 'down_proj'] };

/** Every exported class that owns tensors, by its name. */
export async function ownerCases(runtime: Runtime): Promise<Readonly<Record<string, OwnerCase>>> {
  const ones = (...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return runtime.tensor(new Float32Array(size).fill(0.5), shape);
  };
  const ids = (...shape: number[]) => runtime.zeros(shape, 'u32');
  /** A module that is given weights, and what is done with it. */
  const inUse = <M extends Module>(module: M, ...uses: ((module: M) => unknown)[]): OwnerInUse => {
    const shared = [(it: M) => it.state(), (it: M) => it.initialize(2), (it: M) => it.weights()];
    try {
      return used(module.initialize(1), ...shared, ...uses);
    } catch (error) {
      module.dispose();
      throw error;
    }
  };
  /** An owner, and what is done with it. */
  const used = <O extends Freeable & Disposable>(
    owner: O,
    ...uses: ((owner: O) => unknown)[]
  ): OwnerInUse => ({
    owner,
    uses: uses.map((use) => () => use(owner)),
  });
  const module = <M extends Module>(make: () => M, ...uses: ((module: M) => unknown)[]): OwnerCase => ({
    make: () => inUse(make(), ...uses),
  });

  const [row, clip, map, token] = [ones(2, 4), ones(2, 4, 6), ones(1, 4, 4, 4), ids(1, 3)];
  const [pair, bias, matrix] = [ids(1, 2), ones(64), ones(64, 64)];
  const [sequence, video, state] = [ones(1, 6, 4), ones(1, 8, 32), ones(2, 3)];
  const heads = ones(1, 2, 6, 2);
  const weights = { weight: ones(4, 4), bias: ones(4) };
  const gradients = { weight: ones(4, 4), bias: ones(4) };
  const halves = runtime.traits.f16 ? runtime.tensor([1, 2], [2], 'f16') : ids(2);
  const spans = { positions: ids(1, 1, 2), truths: ones(1, 1, 2), weights: ones(1, 1) };
  const noise = ones(2, 6, 2);
  const t = ids(2);
  const language = new LanguageModel(runtime, smallLanguage, { lora }).initialize(1);
  language.lora!.initialize(1);
  const embeddings = ones(1, 3, 16);
  const maps = new MapDiffusion(runtime, smallMaps).initialize(1);
  const inputs = {
    ...{ video: ones(2, 3, 4), lengths: runtime.tensor([4, 4], [2], 'u32') },
    words: {
      vectors: ones(2, 2, 5),
      mask: runtime.tensor([1, 1, 1, 1], [2, 2], 'u32'),
      counts: runtime.tensor([2, 2], [2], 'u32'),
    },
  };
  const targets = {
    ...{ spans: ones(2, 1, 2), spanCounts: runtime.tensor([1, 1], [2], 'u32') },
    classes: ids(2, 4),
  };
  const condition = maps.encode(inputs);
  const pixels = ones(1, 3, 22, 22);
  const { asked } = loudMoments();
  const { words } = WordVocabulary.of(loudSentences(asked), smallMdvlm.times);
  const signal = makeSignalMdvlm(runtime, smallMdvlm, words);
  signal.model.initialize(1);
  const questions = new SignalQuestions(signal, asked);
  const loaded = [await questions.question(0)];
  const signals = ones(1, 2, 80);
  const tokenizer = await loadTokenizer({ tokenizer: smallTokenizer(), config: smallTokenizerConfig }, times);
  const chat = chatExample(
    tokenizer,
    [
      { role: 'user', content: 'when?' },
      { role: 'assistant', content: '<t3> <t9>' },
    ],
    { system: 'a' },
  );
  const objective = { ...{ batch: 1, seed: 1, steps: 10 }, reward: { samples: 2 } };
  const answer = { layout: { length: 3, spans: [[0, 1] as const] }, ids: [410, 412, 404] };
  const wanted = { ...answer, spans: [{ positions: [0, 1] as const, truth: [0, 2] as const }] };
  const lastLayer = (hidden: Tensor) => ({ hidden, weight: language.lastLayer(hidden).weight });
  const predict = (answers: Tensor) => lastLayer(language.embed(answers));
  const predicted = predict(token);
  const sequences = { batch: 1, prompt: [embeddings], answerLength: 2, blockLength: 1 };
  const sampling = { batch: 1, length: 4, answerLength: 4, blockLength: 2, steps: 2, maskId: smallIds.mask };
  const keeping = {
    ...{ schedule: { shift: 3 }, keepConfidence: true, guidanceScale: 1 },
    spans: { positions: ids(1, 1, 2), firstId: 410, count: 4 },
  } as const;
  const cached = {
    prepare: (tokens: Tensor) => void language.embed(tokens),
    logits: predict,
    inBlock: predict,
  };
  const present = (...shape: number[]) =>
    runtime.tensor(new Uint32Array(shape.reduce((a, b) => a * b)).fill(1), shape, 'u32');
  const grounded = {
    ...{ video: ones(1, 4, 3), videoMask: present(1, 4) },
    ...{ text: ones(1, 2, 5), textMask: present(1, 2) },
  };
  const projected = { ...grounded, video: ones(1, 4, 5) };
  const guided = {
    ...{ keys: ones(1, 2, 5), labels: ones(1, 2) },
    ...{ words: ids(1, 1), present: present(1, 1), masked: present(1, 1) },
  };
  const stream = new Random(runtime, 1);
  const given = new Linear(runtime, 4, 2).initialize(1);
  const fails = (): never => {
    throw new RangeError('thrown on purpose');
  };

  return {
    AdamW: {
      make: () =>
        used(
          new AdamW(weights, { average: 0.9 }),
          (it) => it.prepare(0, 0.1),
          (it) => it.update(gradients),
          (it) => it.useAverage(),
          (it) => it.state(),
          async (it) => it.restore(await it.state(), 'here'),
        ),
      broken: () => new AdamW({ ...weights, halves }),
    },
    SGD: {
      make: () =>
        used(
          new SGD(weights, { momentum: 0.9 }),
          (it) => it.prepare(0.1),
          (it) => it.update(gradients),
          (it) => it.state(),
          async (it) => it.restore(await it.state(), 'here'),
        ),
      broken: () => new SGD({ ...weights, halves }),
    },
    AnswerLogits: {
      make: () =>
        used(
          new AnswerLogits(language, 'dual', sequences, ['conditional', 'unconditional']),
          (it) => it.logits(pair, 'conditional'),
          (it) => it.inBlock!(pair, 'unconditional', 1),
        ),
      broken: () =>
        new AnswerLogits(language, 'block', { ...sequences, answerLength: 2 ** 40 }, ['conditional']),
    },
    AnswerObjective: {
      make: () =>
        used(
          new AnswerObjective(
            runtime,
            { order: 'diffusion', maskId: smallIds.mask, times },
            { maxLength: 3, maxSpans: 1 },
            objective,
          ),
          (it) => it.prepare(0, [wanted]),
          (it) => it.loss(predict),
        ),
      broken: () =>
        new AnswerObjective(
          runtime,
          { order: 'diffusion', maskId: 0, times },
          { maxLength: 3, maxSpans: 1 },
          objective,
        ),
    },
    CgDetr: module(
      () => new CgDetr(runtime, smallGrounding.network, { video: 5, text: 5 }),
      (it) => it.forward(projected),
      (it) => it.train().forward(projected),
      (it) => it.forwardForTraining(projected, grounded.videoMask),
    ),
    GroundingNetwork: module(
      () => new GroundingNetwork(runtime, smallGrounding),
      (it) => it.forward(grounded),
      (it) => it.forwardForTraining(grounded, grounded.videoMask),
      (it) => ground(it, grounded, [4]),
    ),
    Guidance: module(
      () =>
        new Guidance(
          runtime,
          smallGuidance,
          { batch: 1, steps: 6, channels: 4, classes: 3, wordWidth: 5 },
          new CaptionWords(['loud'], new WordVectors(['loud'], new Float32Array(5).fill(0.5))),
        ),
      (it) => it.reconstructLoss(sequence, guided),
      (it) => it.maskLoss(sequence, guided),
    ),
    WtalNetwork: module(
      () => new WtalNetwork(runtime, smallWtal, 3),
      (it) => it.forward(sequence),
      (it) => it.train().forward(sequence),
    ),
    BatchNorm1d: module(
      () => new BatchNorm1d(runtime, 4).train(),
      (it) => it.forward(row),
    ),
    BatchNorm2d: module(
      () => new BatchNorm2d(runtime, 4, { affine: false }),
      (it) => it.forward(map),
    ),
    Capture: {
      make: async () => {
        const capture = await runtime.capture(() => ({ x: language.embed(token) }));
        return used(
          capture,
          (it) => it.run(),
          (it) => it.outputs.x.read(),
          (it) => it.encode(runtime.gpu.device.createCommandEncoder()),
        );
      },
      broken: () =>
        runtime.capture(() => {
          language.embed(token);
          fails();
        }),
    },
    Cmcs: module(
      () => new Cmcs(runtime, { channels: 4, width: 4, branchWidth: 4, branches: 2, classes: 3 }),
      (it) => it.forward(sequence),
    ),
    Co2Net: module(
      () => new Co2Net(runtime, { channels: 4, width: 4, attentionWidth: 2, classes: 3, autoEncoder: 2 }),
      (it) => it.forward(sequence),
      (it) => it.classify(sequence),
      (it) => it.train().forward(sequence),
    ),
    Conv1d: module(
      () => new Conv1d(runtime, 4, 2, 3),
      (it) => it.forward(clip),
    ),
    Conv2d: module(
      () => new Conv2d(runtime, 4, 2, 3),
      (it) => it.forward(map),
    ),
    DdimSampler: {
      make: async () => {
        using diffusion = new GaussianDiffusion(runtime, { times: 10 });
        const sampler = await diffusion.sampler([2, 3], (x) => x.reshape([2, 3]), { steps: 2 });
        return used(sampler, (it) => it.run(state));
      },
      broken: () => maps.diffusion.sampler([2, 3], fails, { steps: 2 }),
    },
    Dropout: module(
      () => new Dropout(runtime, 0.5).train(),
      (it) => it.forward(row),
      (it) => it.train(false).forward(row),
    ),
    DropPath: module(
      () => new DropPath(runtime, 0.5).train(),
      (it) => it.forward(row),
    ),
    Embedding: module(
      () => new Embedding(runtime, 4, 2),
      (it) => it.forward(token),
    ),
    FeedForward: module(
      () => new FeedForward(runtime, 4, 8, { dropout: 0.5 }).train(),
      (it) => it.forward(row),
    ),
    LocalBase: module(
      () => new LocalBase(runtime, { channels: 4, width: 4, classes: 3, dropout: 0.5 }),
      (it) => it.forward(sequence),
      (it) => it.classify(sequence),
      (it) => it.train().forward(sequence),
    ),
    Mlp: module(
      () => new Mlp(runtime, 4, 8, 2, { layers: 2 }),
      (it) => it.forward(row),
    ),
    PRelu: module(
      () => new PRelu(runtime),
      (it) => it.forward(row),
    ),
    SinePositions: module(
      () => new SinePositions(runtime, 4),
      (it) => it.forward(row),
    ),
    FourHead: module(
      () =>
        new FourHead(runtime, { channels: 4, heads: 2, classifierWidth: 3, attentionWidth: 2, classes: 3 }),
      (it) => it.forward(sequence),
      (it) => it.classify(sequence),
    ),
    GatedConv2d: module(
      () => new GatedConv2d(runtime, 4, 2, 3),
      (it) => it.forward(map),
    ),
    GaussianDiffusion: {
      make: () =>
        used(
          new GaussianDiffusion(runtime, { times: 10 }),
          (it) => it.addNoise({ x0: row, noise: row, t }),
          (it) => it.sample(row, (x) => x.reshape([2, 4]), { steps: 2 }),
          async (it) => (await it.sampler([2, 4], (x) => x.reshape([2, 4]), { steps: 2 })).dispose(),
        ),
      broken: () => new GaussianDiffusion(runtime, { times: 0 }),
    },
    GroupNorm: module(
      () => new GroupNorm(runtime, 2, 4),
      (it) => it.forward(clip),
    ),
    IouReward: {
      make: () =>
        used(new IouReward(runtime, times, smallIds.mask, { policy: { samples: 2, random: stream } }), (it) =>
          it.loss(token, predicted, spans, predict),
        ),
      broken: () => new IouReward(runtime, times, smallIds.mask, { lateness: -1 }),
    },
    KeyValueCache: {
      make: () =>
        used(language.keyValueCache(1, 3), (it) => language.forward(embeddings, { others: it.from(0) })),
      broken: () => new KeyValueCache(runtime, smallLanguage, 'f32', 1, 2 ** 40),
    },
    LanguageModel: {
      make: () =>
        inUse(
          new LanguageModel(runtime, smallLanguage, { lora, weights: 'int8' }),
          (it) => it.lora!.initialize(1),
          (it) => it.embed(token),
          (it) => it.forward(embeddings),
          (it) => it.prefix(embeddings),
          (it) => it.logits(embeddings),
          (it) => it.keyValueCache(1, 2).dispose(),
        ),
      broken: () =>
        new LanguageModel(runtime, smallLanguage, { lora: { ...lora, targets: ['no such layer'] } }),
    },
    LanguageTask: {
      make: () =>
        used(
          new LanguageTask(language, times, [chat], objective),
          (it) => it.prepare({ index: 0, examples: [0] }),
          (it) => it.loss(),
        ),
      broken: () => new LanguageTask(language, times, [chat], { ...objective, planWeight: -1 }),
    },
    LayerNorm: module(
      () => new LayerNorm(runtime, 4, { affine: false }),
      (it) => it.forward(row),
    ),
    Linear: module(
      () => new Linear(runtime, 4, 2),
      (it) => it.forward(row),
      (it) => it.weight,
    ),
    LoraAdapter: {
      make: () => {
        const adapter = new LoraAdapter(runtime, lora);
        const layer = adapter.around('q_proj', given, 4, 2);
        return inUse(
          adapter,
          () => layer.forward(row),
          (it) => it.merge(),
          () => layer.forward(row),
        );
      },
      broken: () => new LoraAdapter(runtime, { ...lora, rank: 0 }),
    },
    LoraLinear: {
      make: () =>
        inUse(new LoraLinear(given, { runtime, inputs: 4, outputs: 2 }, size), (it) => it.forward(row)),
    },
    Lstm: module(
      () => new Lstm(runtime, 4, 2, { bidirectional: true }),
      (it) => it.forward(sequence),
    ),
    MapDiffusion: {
      make: () =>
        inUse(
          new MapDiffusion(runtime, smallMaps),
          (it) => it.encode(inputs),
          (it) => it.prepare(condition),
          (it) => it.denoise(noise, t, condition),
          (it) => it.loss(inputs, targets, { noise, t }),
          (it) => it.diffusion.addNoise({ x0: noise, noise, t }),
        ),
      broken: () => new MapDiffusion(runtime, { ...smallMaps, decoder: { ...smallMaps.decoder, groups: 3 } }),
    },
    MaskedSampler: {
      make: async () => {
        const masks = new Uint32Array(4).fill(smallIds.mask);
        return used(
          await MaskedSampler.create(runtime, cached, { ...sampling, ...keeping }),
          (it) => it.decode(masks),
          (it) => it.tokens.read(),
          (it) => it.confidence!.read(),
        );
      },
      broken: () => MaskedSampler.create(runtime, { ...cached, logits: fails }, { ...sampling, ...keeping }),
    },
    Mdvlm: {
      make: () => {
        const { model } = makeSignalMdvlm(runtime, smallMdvlm, words);
        return inUse(
          model,
          (it) => it.encoder.forward(signals),
          (it) => it.embed(video, { ids: token, visualAt: 1 }),
          (it) => it.prompt(video, { ids: token, visualAt: 1 }),
          (it) => it.answer({ embeddings: video }, pair),
        );
      },
      broken: () =>
        makeSignalMdvlm(
          runtime,
          { ...smallMdvlm, encoder: { ...smallMdvlm.encoder, clips: {} as never } },
          words,
        ),
    },
    MdvlmTask: {
      make: () =>
        used(
          new MdvlmTask(signal, questions, objective),
          (it) => it.prepare({ index: 0, loaded }),
          (it) => it.loss(),
        ),
      broken: () => new MdvlmTask(signal, questions, { ...objective, batch: 2 ** 40 }),
    },
    MomentSampler: {
      make: async () =>
        used(await MomentSampler.create(maps, { videos: 2, words: 2, steps: 2 }), (it) => it.run(noise)),
      broken: () => MomentSampler.create(maps, { videos: 2, words: 2, steps: 1000 }),
    },
    MomentTask: {
      make: () =>
        used(
          new MomentTask(maps, smallExamples, 2, 1),
          async (it) => it.prepare({ index: 0, loaded: await it.load(0, [0, 1]) }),
          (it) => it.loss(),
        ),
      broken: () => new MomentTask(maps, { ...smallExamples, spans: 2 ** 40 }, 2, 1),
    },
    MultiHeadAttention: module(
      () => new MultiHeadAttention(runtime, 4, 2, { dropout: 0.5 }).train(),
      (it) => it.forward(sequence),
      (it) => it.forwardWithWeights(sequence),
      (it) => it.queries(sequence),
      (it) => it.keys(sequence),
      (it) => it.values(sequence),
      (it) => it.output(heads),
    ),
    Parameter: {
      make: () => {
        const parameter = new Parameter(runtime, [4], constantInitial(1), true);
        return used(
          parameter,
          (it) => it.set(new Float32Array(4)),
          (it) => it.tensor,
          (it) => it.read(),
        );
      },
    },
    QuantizedLinear: {
      make: () =>
        inUse(QuantizedLinear.from({ weight: matrix, bias }, { bits: 8 }), (it) => it.forward(matrix)),
      broken: () => QuantizedLinear.from({ weight: matrix, bias: row }, { bits: 8 }),
    },
    QuantizedParameter: {
      make: () => {
        const parameter = new QuantizedParameter(runtime, [4, 64], constantInitial(1), { bits: 4 });
        return used(
          parameter,
          (it) => it.set(new Float32Array(256)),
          (it) => it.weight,
          (it) => it.read(),
        );
      },
    },
    Random: {
      make: () =>
        used(
          new Random(runtime, 1),
          (it) => it.normal([3]),
          (it) => it.advance(4),
          (it) => it.state.read(),
        ),
      broken: () => new Random(runtime, -1),
    },
    RmsNorm: module(
      () => new RmsNorm(runtime, 4),
      (it) => it.forward(row),
    ),
    SignalEncoder: module(
      () =>
        new SignalEncoder(
          runtime,
          smallMdvlm.encoder,
          32,
          (tokens) => signal.model.language.embed(tokens),
          signal.vocabulary.times,
        ),
      (it) => it.forward(signals),
    ),
    TransformerBlock: module(
      () =>
        new TransformerBlock(runtime, 4, {
          ...{ heads: 2, intermediate: 8, crossAttention: true, dropout: 0.5 },
        }).train(),
      (it) => it.forward(sequence, { memory: sequence }),
    ),
    VisionTower: module(
      () => new VisionTower(runtime, visualConfigs.tiny.vision),
      (it) => it.forward(pixels),
    ),
    VisualEncoder: module(
      () => new VisualEncoder(runtime, visualConfigs.tiny, { weights: 'int8' }),
      (it) => it.forward(pixels),
    ),
  };
}
