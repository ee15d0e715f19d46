// A masked diffusion vision-language model of LLaDA-V's kind: a video and a question in, an answer with times out.
//   node examples/video-question.mjs
import { Runtime } from 'tal-webgpu';
import { encodeMp4, openVideo, worldSeed, worldVideo } from 'tal-webgpu/data';
import {
  loadTokenizer,
  localizeVideo,
  makeVideoMdvlm,
  TimeTokens,
  videoMdvlmConfigs,
} from 'tal-webgpu/models/mdvlm';

const runtime = await Runtime.create();

// Random weights and a vocabulary of bytes, so its answers mean nothing. A checkpoint's folder, such as LLaDA-V's, is
// loaded by
//   const mdvlm = await loadVideoMdvlm(runtime, folder, { weights: 'f16' });
const config = videoMdvlmConfigs.tiny;
const bytes = Array.from({ length: 256 }, (_, byte) => [
  `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  byte,
]);
const marks = ['startoftext', 'endoftext', 'start_header_id', 'end_header_id', 'eot_id'];
const tokenizer = await loadTokenizer(
  {
    tokenizer: {
      added_tokens: marks.map((mark, i) => ({ id: 400 + i, content: `<|${mark}|>`, special: true })),
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] },
      model: { type: 'BPE', vocab: Object.fromEntries(bytes), merges: [], byte_fallback: true },
    },
    config: {},
  },
  new TimeTokens(config.times),
);
const model = makeVideoMdvlm(runtime, config).initialize(1);

// A video of the built-in world, small and short.
const world = worldVideo(worldSeed('test', 0));
const shape = { width: 64, height: 48, channels: 3 };
const frames = Array.from({ length: 24 }, (_, i) => world.frame(i / 4, shape));
const video = await openVideo(await encodeMp4(frames, { ...shape, rate: 4 }));

const { answers, segments } = await localizeVideo(
  { config, tokenizer, model },
  video,
  { event: world.queries[0].query },
  {
    length: 16,
    steps: 4,
    temperature: 1,
    onStep: ({ step, text }) => console.log(`step ${step}: ${JSON.stringify(text)}`),
  },
);
console.log(`answer: ${JSON.stringify(answers[0].text)}`);
for (const { segment, score } of segments)
  console.log(`from ${segment.join(' to ')} s, score ${score.toFixed(2)}`);

await video.close();
model.dispose();
runtime.destroy();
