// Differentiation and training: a small network learns where a bump lies in a noisy signal.
//   node examples/training.mjs
import { Runtime } from 'tal-webgpu';
import { Conv1d, Linear, Module } from 'tal-webgpu/nn';
import { mean, square, sub, transpose } from 'tal-webgpu/ops';
import { AdamW, valueAndGrad } from 'tal-webgpu/train';

/** A convolution over time, its mean over time, and a linear layer. */
class Finder extends Module {
  convolution = this.child(
    'convolution',
    new Conv1d(this.runtime, 1, 16, 9, { padding: 'same', activation: 'gelu' }),
  );
  head = this.child('head', new Linear(this.runtime, 16 * 64, 1));

  forward(signal) {
    const [batch] = signal.shape;
    return this.head.forward(transpose(this.convolution.forward(signal)).reshape([batch, 16 * 64]));
  }
}

const runtime = await Runtime.create();
const model = new Finder(runtime).initialize(1);
const optimizer = new AdamW(model.weights(), { weightDecay: 0.01, maxNorm: 1 });

const [batch, length] = [32, 64];
const signal = runtime.zeros([batch, 1, length]);
const place = runtime.zeros([batch, 1]);

// One step, recorded once: forward pass, gradients, update. What changes is written between the runs.
const step = await runtime.capture(() => {
  const { value, gradients } = valueAndGrad(model.weights(), () =>
    mean(square(sub(model.forward(signal), place))),
  );
  optimizer.update(gradients);
  return value;
});

for (let i = 0; i < 150; i++) {
  const places = Float32Array.from({ length: batch }, Math.random);
  signal.write(
    Float32Array.from({ length: batch * length }, (_, at) => {
      const distance = (at % length) / length - places[Math.floor(at / length)];
      return Math.exp(-200 * distance ** 2) + 0.1 * (Math.random() - 0.5);
    }),
  );
  place.write(places);
  optimizer.prepare(i, 0.01);
  step.run();
  if (i % 30 === 29) {
    const [loss] = await step.outputs.read();
    console.log(`step ${i + 1}: off by ${Math.sqrt(loss).toFixed(3)} of the length`);
  }
}
runtime.destroy();
