// A masked diffusion language model of LLaDA's kind: ids in, ids out, several in each step.
//   node examples/language-model.mjs
import { Runtime } from 'tal-webgpu';
import { generateTokens, LanguageModel, languageConfigs } from 'tal-webgpu/models/mdvlm';

const runtime = await Runtime.create();

// Random weights, so its answers mean nothing. A checkpoint's folder, such as LLaDA-8B-Instruct, is loaded by
//   const model = await loadLanguageModel(runtime, folder, { weights: 'f16' });
const model = new LanguageModel(runtime, languageConfigs.tiny).initialize(1);

const answer = await generateTokens(model, [17, 42, 99], {
  length: 8,
  blockLength: 4,
  steps: 4,
  onStep: (ids) => console.log(ids.map((id) => (id === model.config.maskId ? '____' : id)).join(' ')),
});
console.log(`answer: ${answer.join(' ')}`);

model.dispose();
runtime.destroy();
