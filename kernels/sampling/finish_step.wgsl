// Ends a step of masked decoding: puts the next tokens of the answers in place, counts the positions that are
// still masked and come before the first stop token of their sequence (LLaDA-V), and moves the state on: to
// the next block with such positions where this one has none, to the next block where it has had its steps,
// else to the next step. With MASK_ALLOWED positions of earlier blocks may stay masked, and hold nothing up.
// One workgroup in all; an invocation takes every WORKGROUP-th sequence.
//! import lib/decoding.wgsl

const WORKGROUP = 64u;
const MASK_ALLOWED = false;

struct Params {
  batch: u32,             // B
  length: u32,            // L
  start: u32,
  block_length: u32,
  mask_id: u32,
  stop_id: u32,           // 2^32 - 1, no token's, for none
  steps_per_block: u32,   // S
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> next: array<u32>;            // (B, L)
@group(0) @binding(1) var<storage, read_write> tokens: array<u32>;    // (B, L)
@group(0) @binding(2) var<storage, read_write> state: Decoding;

var<workgroup> masked: atomic<u32>;
var<workgroup> here: atomic<u32>;    // those of the current block
var<workgroup> ahead: atomic<u32>;   // L less the first of them

@compute @workgroup_size(WORKGROUP)
fn finish_step(@builtin(local_invocation_index) local: u32) {
  let begin = params.start + state.block * params.block_length;
  let end = block_end(state.block, params.start, params.block_length, params.length);
  for (var batch = local; batch < params.batch; batch += WORKGROUP) {
    var stopped = false;
    for (var position = params.start; position < params.length; position++) {
      let i = batch * params.length + position;
      let token = next[i];
      tokens[i] = token;
      stopped |= token == params.stop_id;
      if (token == params.mask_id && !stopped) {
        atomicAdd(&masked, 1u);
        atomicMax(&ahead, params.length - position);
        if (position >= begin && position < end) { atomicAdd(&here, 1u); }
      }
    }
  }
  workgroupBarrier();
  if (local != 0u) { return; }
  state.step++;
  state.block_step++;
  let first = params.length - atomicLoad(&ahead);
  if (!MASK_ALLOWED && first >= end) {
    state.block = (first - params.start) / params.block_length;
    state.block_step = 0u;
  } else if (state.block_step >= params.steps_per_block || (MASK_ALLOWED && atomicLoad(&here) == 0u)) {
    state.block++;
    state.block_step = 0u;
  }
  state.masked = atomicLoad(&masked);
}
