// Masks the least certain tokens of each sequence again, so that they can be revised (MDVLM-TAL's editable
// decoding). Of the tokens up to the end of the block that were there before the step and may be revised, n
// in number, it takes those with the lowest confidence: amounts[step] of them, or with FRACTIONS
// floor(amounts[step] n). A token may be revised where its position is eligible or its id is among `always`.
// Of equal confidences the lower position goes first. A decoding whose last step left nothing masked is over, and keeps
// its tokens. One invocation a position: it counts those that go before it.
//! import lib/decoding.wgsl
//! import lib/index.wgsl
//! import lib/order.wgsl

const WORKGROUP = 64u;
const FRACTIONS = false;
const HAS_ELIGIBLE = false;
const HAS_ALWAYS = false;
alias Amount = u32;

struct Params {
  batch: u32,             // B
  length: u32,            // L
  rows: u32,              // R
  start: u32,
  block_length: u32,
  mask_id: u32,
  steps: u32,
  eligible_stride: u32,   // R, or 0 where all sequences share it
  always_ids: u32,        // ids that `always` has a bit for
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> tokens: array<u32>;        // (B, L), after this step's commit
@group(0) @binding(1) var<storage, read> previous: array<u32>;      // (B, L), before it
@group(0) @binding(2) var<storage, read> confidence: array<f32>;    // (B, R), of the last R positions
@group(0) @binding(3) var<storage, read> state: Decoding;
@group(0) @binding(4) var<storage, read> amounts: array<Amount>;    // (steps); the last one holds from then on
@group(0) @binding(5) var<storage, read> eligible: array<u32>;      // (R) or (B, R) with HAS_ELIGIBLE
@group(0) @binding(6) var<storage, read> always: array<u32>;        // (ceil(V / 32)) with HAS_ALWAYS
@group(0) @binding(7) var<storage, read_write> next: array<u32>;    // (B, L)

@compute @workgroup_size(WORKGROUP)
fn remask(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.batch * params.length) { return; }
  let batch = i / params.length;
  let position = i % params.length;
  next[i] = tokens[i];
  if (state.step > 0u && state.masked == 0u) { return; }
  let end = block_end(state.block, params.start, params.block_length, params.length);
  if (position < params.start || position >= end || !revisable(batch, position)) { return; }

  let key = order_key(confidence[row_of(batch, position)]);
  var revisables = 0u;
  var before = 0u;
  for (var other = params.start; other < end; other++) {
    if (!revisable(batch, other)) { continue; }
    revisables++;
    let rival = order_key(confidence[row_of(batch, other)]);
    before += u32(rival < key || (rival == key && other < position));
  }
  let amount = amounts[min(state.step, params.steps - 1u)];
  var count = u32(amount);
  if (FRACTIONS) { count = u32(floor(f32(amount) * f32(revisables))); }
  if (before < count) { next[i] = params.mask_id; }
}

/// Whether the position held a token before this step that may be taken back.
fn revisable(batch: u32, position: u32) -> bool {
  let token = previous[batch * params.length + position];
  if (token == params.mask_id) { return false; }
  if (HAS_ALWAYS) {
    if (token < params.always_ids && ((always[token / 32u] >> (token % 32u)) & 1u) == 1u) { return true; }
  }
  if (HAS_ELIGIBLE) {
    return eligible[batch * params.eligible_stride + position + params.rows - params.length] != 0u;
  }
  return true;
}

fn row_of(batch: u32, position: u32) -> u32 {
  return batch * params.rows + position + params.rows - params.length;
}
