/** What `console.log` prints of tensors, modules and runtimes in Node. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inspect } from 'node:util';
import { BatchNorm1d, Linear, Module } from '../../src/nn/index.js';
import { Runtime } from '../../src/tensor/runtime.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

it('a tensor: type, shape and bytes, or that it was disposed', () => {
  const tensor = runtime.empty([2, 3]);
  assert.equal(inspect(tensor), 'Tensor f32[2, 3] (24 bytes)');
  assert.equal(inspect({ tensor }), '{ tensor: Tensor f32[2, 3] (24 bytes) }');
  tensor.dispose();
  assert.equal(inspect(tensor), 'Tensor f32[2, 3] (disposed)');
});

it('a capture: its commands', async () => {
  const tensor = runtime.tensor([1]);
  const capture = await runtime.capture(() => tensor.reshape([1, 1]));
  assert.equal(inspect(capture), 'Capture (0 commands)');
  capture.dispose();
  assert.equal(inspect(capture), 'Capture (disposed)');
});

it('a module: the tree of its parameters, equal neighbours in one line', () => {
  class Block extends Module {
    constructor(of: Runtime) {
      super(of);
      this.child('linear', new Linear(of, 3, 4));
      this.child('norm', new BatchNorm1d(of, 4));
    }
  }
  class Network extends Module {
    constructor(of: Runtime) {
      super(of);
      for (let i = 0; i < 3; i++) this.child(`blocks.${i}`, new Block(of));
      this.child('head', new Linear(of, 4, 1000));
    }
  }
  const network = new Network(runtime);
  const lines = [
    'Network (5,072 parameters)',
    '  blocks.0 to blocks.2: Block (24 parameters)',
    '    linear: Linear (16 parameters)',
    '    norm: BatchNorm1d (8 parameters)',
    '  head: Linear (5,000 parameters)',
  ];
  assert.equal(inspect(network), lines.join('\n'));
  assert.equal(inspect(network, { depth: 0 }), lines[0]);
  network.dispose();
  assert.equal(inspect(network), 'Network (disposed)');
});

it('a runtime: device and memory, or why it ended', async () => {
  const other = await Runtime.create();
  assert.match(inspect(other), /^Runtime on .+ \(0\.0 MiB in use, 0\.0 MiB allocated\)$/);
  other.destroy();
  assert.match(inspect(other), /\(the runtime was destroyed: make a new one\)$/);
});
