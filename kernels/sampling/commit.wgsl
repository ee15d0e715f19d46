// Gives the most certain masked positions of each sequence their candidates (LLaDA, low-confidence
// remasking): of m masked positions up to the end of the block, with S - i steps left in it, the
// ceil(m / (S - i)) with the highest confidence. For n masked at the start of the block that is LLaDA's
// floor(n / S), one more in the first n mod S steps. With HAS_SHARES it is the given share of m instead, at
// least 1; with HAS_THRESHOLD all whose confidence reaches the threshold where those are more (Fast-dLLM,
// Dimple).
// A candidate that is the mask waits; with MASK_ALLOWED it goes like any other and leaves its position masked, and
// LLaDA's counts are those of a block that was masked whole, whatever is left of it.
// With HAS_STOP nothing is committed after the first stop token of a sequence (LLaDA-V), though it counts as masked.
// Positions that are not eligible wait, and so do, before the step `late_from`, those with a late candidate
// (MDVLM-TAL's late recovery of time tokens). Of equal confidences the lower position goes first.
// One invocation a position: it counts those that go before it.
//! import lib/decoding.wgsl
//! import lib/index.wgsl
//! import lib/order.wgsl

const WORKGROUP = 64u;
const HAS_SHARES = false;
const HAS_THRESHOLD = false;
const HAS_ELIGIBLE = false;
const HAS_LATE = false;
const HAS_STOP = false;
const MASK_ALLOWED = false;

struct Params {
  batch: u32,             // B
  length: u32,            // L
  rows: u32,              // R
  start: u32,
  block_length: u32,
  mask_id: u32,
  steps_per_block: u32,   // S
  threshold: f32,
  eligible_stride: u32,   // R, or 0 where all sequences share it
  late_from: u32,
  late_ids: u32,          // ids that `late` has a bit for
  stop_id: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> tokens: array<u32>;          // (B, L)
@group(0) @binding(1) var<storage, read> candidates: array<u32>;      // (B, R), of the last R positions
@group(0) @binding(2) var<storage, read> confidence: array<f32>;      // (B, R)
@group(0) @binding(3) var<storage, read> state: Decoding;
@group(0) @binding(4) var<storage, read> shares: array<f32>;          // (S) with HAS_SHARES
@group(0) @binding(5) var<storage, read> eligible: array<u32>;        // (R) or (B, R) with HAS_ELIGIBLE
@group(0) @binding(6) var<storage, read> late: array<u32>;            // (ceil(V / 32)) with HAS_LATE
@group(0) @binding(7) var<storage, read_write> next: array<u32>;      // (B, L)

@compute @workgroup_size(WORKGROUP)
fn commit(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.batch * params.length) { return; }
  let batch = i / params.length;
  let position = i % params.length;
  let token = tokens[i];
  next[i] = token;
  let end = block_end(state.block, params.start, params.block_length, params.length);
  if (token != params.mask_id || position < params.start || position >= end) { return; }
  if (!ready(batch, position)) { return; }

  let key = order_key(confidence[row_of(batch, position)]);
  let threshold = order_key(params.threshold);
  var masked = 0u;
  var reached = 0u;
  var before = 0u;
  var stopped = false;
  for (var other = params.start; other < end; other++) {
    let present = tokens[batch * params.length + other];
    if (HAS_STOP && present == params.stop_id) {
      if (other < position) { return; }
      stopped = true;
    }
    if (present != params.mask_id) { continue; }
    masked++;
    if (stopped || !ready(batch, other)) { continue; }
    let rival = order_key(confidence[row_of(batch, other)]);
    reached += u32(rival >= threshold);
    before += u32(rival > key || (rival == key && other < position));
  }

  let step = min(state.block_step, params.steps_per_block - 1u);
  let left = params.steps_per_block - step;
  var count = (masked + left - 1u) / left;
  if (MASK_ALLOWED) {
    let size = end - min(end, params.start + state.block * params.block_length);
    let steps = params.steps_per_block;
    count = size / steps + u32(step < size % steps);
  }
  if (HAS_SHARES) { count = max(1u, u32(floor(shares[step] * f32(masked) + 0.5))); }
  if (HAS_THRESHOLD) { count = max(count, reached); }
  if (before < count) { next[i] = candidates[row_of(batch, position)]; }
}

/// Whether a masked position may get its candidate in this step.
fn ready(batch: u32, position: u32) -> bool {
  let candidate = candidates[row_of(batch, position)];
  if (candidate == params.mask_id && !MASK_ALLOWED) { return false; }
  if (HAS_ELIGIBLE) {
    let row = position + params.rows - params.length;
    if (eligible[batch * params.eligible_stride + row] == 0u) { return false; }
  }
  if (HAS_LATE) {
    if (state.step < params.late_from && candidate < params.late_ids) {
      return ((late[candidate / 32u] >> (candidate % 32u)) & 1u) == 0u;
    }
  }
  return true;
}

fn row_of(batch: u32, position: u32) -> u32 {
  return batch * params.rows + position + params.rows - params.length;
}
