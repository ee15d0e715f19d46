import { FileFormatError } from '../../errors.js';
import type { CgDetrConfig } from '../../models/grounding/cg-detr/config.js';
import { type GroundingConfig, groundingConfigs } from '../../models/grounding/config.js';
import type { Architecture, Conversion, NamedTensors } from './architecture.js';

type Shapes = Record<string, readonly number[]>;
type Kind = CgDetrConfig['interaction']['kind'];

/** Where the folder has the word vectors, of a model of words. */
const words = 'words.safetensors';

/** What the released networks hold and do not use. */
const unused: Architecture['renames'] = [
  [/^txt_position_embed\..*$/, undefined],
  [/^contrastive_align_projection_.*$/, undefined],
  [/^txt_proj_linear\..*$/, undefined],
];

/**
 * CG-DETR (Moon et al., arXiv:2311.08835), QD-DETR (Moon et al., arXiv:2303.13874) and Moment-DETR (Lei et al.,
 * arXiv:2107.09609); our names are their authors'. What the weights do not tell, such as the heads, is in the settings that
 * the checkpoints bring (`opt`), or in `opt.json` beside them; else it is that of QVHighlights.
 */
export const cgDetr: readonly Architecture[] = [
  released('cg-detr', 'CG-DETR', 'adaptive', (names) => names.has('dummy_rep_token')),
  released(
    'qd-detr',
    'QD-DETR',
    'cross',
    (names) =>
      names.has('global_rep_token') && names.has('saliency_proj1.weight') && !names.has('dummy_rep_token'),
  ),
  released(
    'moment-detr',
    'Moment-DETR',
    'joint',
    (names) => names.has('saliency_proj.weight') && names.has('transformer.encoder.layers.0.linear1.weight'),
  ),
];

function released(
  name: 'cg-detr' | 'qd-detr' | 'moment-detr',
  title: string,
  kind: Kind,
  recognizes: Architecture['recognizes'],
): Architecture {
  return {
    ...{ name, title, recognizes, renames: unused },
    conversion: (file) => {
      const { recipe, model } = modelOf(name, title, kind, file);
      const ofWords = model.text.kind === 'words';
      return {
        shapes: shapesOf(model),
        config: () => ({
          ...{ architecture: 'cg-detr', model },
          ...(ofWords && { words }),
          training: { released: recipe },
        }),
        note: ofWords
          ? `openModel takes the folder, with GloVe vectors of ${model.text.channels} numbers (encodeWordVectors) in it as ${words}`
          : 'openModel, tal localize and tal evaluate model take the folder; queries need features of their words',
      };
    },
  };
}

/** Our configurations by the name that the released code has for a data set. */
const ofDatasets: Readonly<Record<string, keyof typeof groundingConfigs>> = {
  charadesSTA: 'cg-detr-charades-sta',
  tacos: 'cg-detr-tacos',
  tvsum: 'cg-detr-tvsum',
  youtube_uni: 'cg-detr-youtube-highlights',
};

/** The model that a checkpoint is of. @throws FileFormatError */
function modelOf(
  name: 'cg-detr' | 'qd-detr' | 'moment-detr',
  title: string,
  kind: Kind,
  { name: file, tensors, settings = {} }: NamedTensors,
): { readonly recipe: string; readonly model: GroundingConfig } {
  const sizes = (tensor: string): readonly number[] => {
    const shape = tensors.get(tensor)?.shape;
    if (shape && shape.length > 0) return shape;
    throw new FileFormatError(
      `${file} is no ${title} checkpoint: ${tensor} is ${shape ? 'a number' : 'missing'}`,
    );
  };
  const layers = (at: string): number => {
    const found = [...tensors.keys()].flatMap((tensor) =>
      tensor.startsWith(`${at}.`) ? [Number.parseInt(tensor.slice(at.length + 1), 10)] : [],
    );
    if (found.length > 0) return 1 + Math.max(...found);
    throw new FileFormatError(`${file} is no ${title} checkpoint: it has no ${at}`);
  };
  const number = (setting: string, otherwise: number): number => {
    const value = settings[setting];
    return typeof value === 'number' && value > 0 ? value : otherwise;
  };
  for (const [setting, wanted] of Object.entries({
    ctx_mode: 'video_tef',
    use_txt_pos: false,
    pre_norm: false,
  }))
    if ((settings[setting] ?? wanted) !== wanted)
      throw new FileFormatError(
        `${file} was trained with ${setting} ${JSON.stringify(settings[setting])}, which ${title} here has not`,
      );
  const [width] = sizes('input_vid_proj.0.net.1.weight');
  const channels = sizes('input_vid_proj.0.LayerNorm.weight')[0]! - 2;
  const textChannels = sizes('input_txt_proj.0.LayerNorm.weight')[0]!;
  const ofData = ofDatasets[String(settings.dset_name)] ?? name;
  const recipe =
    ofData === 'cg-detr-charades-sta' && textChannels !== groundingConfigs[ofData].text.channels
      ? 'cg-detr-charades-sta-vgg'
      : ofData;
  const base: GroundingConfig = groundingConfigs[recipe];
  const { interaction } = groundingConfigs[name].network;
  const adaptive = interaction.kind === 'adaptive' && {
    dummies: sizes('dummy_rep_token')[0]!,
    dummyLayers: layers('txtproj_encoder.layers'),
    prompts: sizes('global_rep_token')[0]!,
    keptPrompts: number('num_prompts', interaction.keptPrompts),
    sentenceLayers: layers('scls_encoder.layers'),
    momentLayers: layers('transformer.mcls_encoder.layers'),
  };
  const { network } = groundingConfigs[name];
  return {
    recipe,
    model: {
      clips:
        base.clips.kind === 'features' && base.clips.channels === channels
          ? base.clips
          : { kind: 'features', channels },
      longest: number('max_v_l', base.longest),
      text: {
        kind: recipe === 'cg-detr-charades-sta-vgg' ? 'words' : 'features',
        channels: textChannels,
        longest: number('max_q_l', base.text.longest),
      },
      ...(base.wholeClips && { wholeClips: true }),
      network: {
        ...network,
        width: width!,
        heads: number('nheads', network.heads),
        intermediate: sizes('transformer.encoder.layers.0.linear1.weight')[0]!,
        projectionLayers: layers('input_vid_proj'),
        inputDropout: number('input_dropout', network.inputDropout),
        dropout: number('dropout', network.dropout),
        interaction: {
          ...interaction,
          ...(kind !== 'joint' && { layers: layers('transformer.t2v_encoder.layers') }),
          ...adaptive,
        } as CgDetrConfig['interaction'],
        encoderLayers: layers('transformer.encoder.layers'),
        decoder: {
          ...network.decoder,
          layers: layers('transformer.decoder.layers'),
          queries: sizes('query_embed.weight')[0]!,
        },
      },
    },
  };
}

/** Every weight of the network with its shape. */
function shapesOf({ clips, text, network }: GroundingConfig): Conversion['shapes'] {
  const { width, intermediate, projectionLayers, interaction, encoderLayers, decoder } = network;
  const linear = (name: string, inputs = width, outputs = width): Shapes => ({
    [`${name}.weight`]: [outputs, inputs],
    [`${name}.bias`]: [outputs],
  });
  const norm = (name: string, size = width): Shapes => ({
    [`${name}.weight`]: [size],
    [`${name}.bias`]: [size],
  });
  const packed = (name: string): Shapes => ({
    [`${name}.in_proj_weight`]: [3 * width, width],
    [`${name}.in_proj_bias`]: [3 * width],
    ...linear(`${name}.out_proj`),
  });
  const mlp = (name: string, outputs: number, layers: number): Shapes =>
    merged(layers, (i) => linear(`${name}.layers.${i}`, width, i === layers - 1 ? outputs : width));
  /** The feed-forward network and the norms of a layer. */
  const rest = (at: string, norms: number): Shapes => ({
    ...linear(`${at}.linear1`, width, intermediate),
    ...linear(`${at}.linear2`, intermediate, width),
    ...(network.activation === 'prelu' && { [`${at}.activation.weight`]: [1] }),
    ...merged(norms, (i) => norm(`${at}.norm${i + 1}`)),
  });
  const encoder = (name: string, layers: number): Shapes =>
    merged(layers, (i) => ({
      ...packed(`${name}.layers.${i}.self_attn`),
      ...rest(`${name}.layers.${i}`, 2),
    }));
  const projection = (name: string, channels: number): Shapes =>
    merged(projectionLayers, (i) => ({
      ...norm(`${name}.${i}.LayerNorm`, i === 0 ? channels : width),
      ...linear(`${name}.${i}.net.1`, i === 0 ? channels : width),
    }));
  const textToVideo = (layers: number, attention: (at: string) => Shapes): Shapes =>
    merged(layers, (i) => {
      const at = `transformer.t2v_encoder.layers.${i}`;
      return { ...attention(`${at}.self_attn`), ...rest(at, 2) };
    });
  const withToken = { ...linear('saliency_proj1'), ...linear('saliency_proj2') };
  const told = (): Shapes => {
    switch (interaction.kind) {
      case 'joint':
        return linear('saliency_proj', width, 1);
      case 'cross':
        return {
          ...{ global_rep_token: [width], global_rep_pos: [width], ...withToken },
          ...textToVideo(interaction.layers, packed),
        };
      case 'adaptive':
        return {
          ...{ global_rep_token: [interaction.prompts, width], global_rep_pos: [1, width], ...withToken },
          dummy_rep_token: [interaction.dummies, width],
          dummy_rep_pos: [interaction.dummies, width],
          ...{ sent_rep_token: [width], sent_rep_pos: [width] },
          ...{ moment_rep_token: [width], moment_rep_pos: [width] },
          ...encoder('txtproj_encoder', interaction.dummyLayers),
          ...encoder('scls_encoder', interaction.sentenceLayers),
          ...encoder('transformer.mcls_encoder', interaction.momentLayers),
          ...textToVideo(interaction.layers, (at) => linear(`${at}.out_proj`)),
        };
    }
  };
  const own = ['sa_qcontent', 'sa_qpos', 'sa_kcontent', 'sa_kpos', 'sa_v', 'ca_qcontent', 'ca_kcontent'];
  const projections = [...own, 'ca_kpos', 'ca_v', 'ca_qpos_sine'];
  const spans = decoder.kind === 'spans';
  const decoderLayer = (i: number): Shapes => {
    const at = `transformer.decoder.layers.${i}`;
    if (!spans) return { ...packed(`${at}.self_attn`), ...packed(`${at}.multihead_attn`), ...rest(at, 3) };
    const names = i === 0 ? [...projections, 'ca_qpos'] : projections;
    return {
      ...merged(names.length, (n) => linear(`${at}.${names[n]}_proj`)),
      ...linear(`${at}.self_attn.out_proj`),
      ...linear(`${at}.cross_attn.out_proj`),
      ...rest(at, 3),
    };
  };
  return {
    ...projection('input_vid_proj', clips.channels + 2),
    ...projection('input_txt_proj', text.channels),
    ...(network.tokenTypes && { 'token_type_embeddings.weight': [2, width] }),
    ...told(),
    ...encoder('transformer.encoder', encoderLayers),
    'query_embed.weight': [decoder.queries, spans ? 2 : width],
    ...merged(decoder.layers, decoderLayer),
    ...norm('transformer.decoder.norm'),
    ...(spans && {
      ...mlp('transformer.decoder.ref_point_head', width, 2),
      ...mlp('transformer.decoder.query_scale', width, 2),
      ...mlp('transformer.decoder.ref_anchor_head', 1, 2),
      ...mlp('transformer.decoder.bbox_embed', 2, 3),
    }),
    ...linear('class_embed', width, 2),
    ...mlp('span_embed', 2, 3),
  };
}

/** What a function gives for 0 to `count` - 1, as one. */
const merged = (count: number, of: (i: number) => Shapes): Shapes =>
  Object.assign({}, ...Array.from({ length: count }, (_, i) => of(i)));
