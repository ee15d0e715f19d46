// Ends a step of masked decoding: puts the next tokens in place of the tokens, counts what is still masked, and
// moves the state on: to the next block where this one is full or has had its steps, else to the next step.
// One workgroup in all.
//! import lib/decoding.wgsl

const WORKGROUP = 64u;

struct Params {
  batch: u32,             // B
  length: u32,            // L
  start: u32,
  block_length: u32,
  mask_id: u32,
  steps_per_block: u32,   // S
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> next: array<u32>;            // (B, L)
@group(0) @binding(1) var<storage, read_write> tokens: array<u32>;    // (B, L)
@group(0) @binding(2) var<storage, read_write> state: Decoding;

var<workgroup> masked: atomic<u32>;
var<workgroup> masked_in_block: atomic<u32>;

@compute @workgroup_size(WORKGROUP)
fn finish_step(@builtin(local_invocation_index) local: u32) {
  let end = block_end(state.block, params.start, params.block_length, params.length);
  for (var i = local; i < params.batch * params.length; i += WORKGROUP) {
    tokens[i] = next[i];
    let position = i % params.length;
    if (next[i] == params.mask_id && position >= params.start) {
      atomicAdd(&masked, 1u);
      if (position < end) { atomicAdd(&masked_in_block, 1u); }
    }
  }
  workgroupBarrier();
  if (local != 0u) { return; }
  state.step++;
  state.block_step++;
  if (atomicLoad(&masked_in_block) == 0u || state.block_step >= params.steps_per_block) {
    state.block++;
    state.block_step = 0u;
  }
  state.masked = atomicLoad(&masked);
}
