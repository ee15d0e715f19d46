/**
 * A process that computes one denoising step of the tiny configuration and prints when it got how far, in milliseconds
 * since the process began: started by start-up.ts.
 */
import { Runtime } from '../src/tensor/runtime.js';
import { TinyModel, tiny } from './tiny-step.js';

const loaded = performance.now();
const runtime = await Runtime.create();
const opened = performance.now();
const model = new TinyModel(runtime);
const tokens = runtime.tensor(new Uint32Array(tiny.length), [1, tiny.length], 'u32');
await runtime.finish();
const weights = performance.now();
const capture = await runtime.capture(() => model.forward(tokens));
const compiled = performance.now();
capture.run();
await capture.outputs.read();
const result = performance.now();
console.log(
  JSON.stringify({ loaded, opened, weights, compiled, result, pipelines: runtime.gpu.pipelineCount }),
);
runtime.destroy();
