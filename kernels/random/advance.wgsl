// Moves a random stream on: counter += blocks, both of 64 bits. One invocation in all.
//! import lib/random_stream.wgsl

struct Params { low: u32, high: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read_write> state: array<u32>;   // (4): seed, counter

@compute @workgroup_size(1)
fn advance() {
  let counter = stream_counter(state[2], state[3], params.low);
  state[2] = counter.x;
  state[3] = counter.y + params.high;
}
