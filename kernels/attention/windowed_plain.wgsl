// Windowed attention (DiffAct, Liu et al., ICCV 2023), channels before time as convolutions have them. The query at step t
// attends TAPS steps around it, as a dilated convolution sees them:
//   t_j = t + (j - (TAPS - 1) / 2) dilation              for tap j
//   s_j = scale sum_d query[d, t] key[d, t_j]            p = softmax of s over the taps within the sequence, 0 elsewhere
//   out[d, t] = sum_j p_j value[d, t_j]
// with scale = 1 / sqrt(D). One invocation a query.
//! import lib/attention_window.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { batches: u32, channels: u32, length: u32, dilation: u32, scale: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> query: array<Element>;       // (B, D, T)
@group(0) @binding(1) var<storage, read> key: array<Element>;         // (B, D, T)
@group(0) @binding(2) var<storage, read> value: array<Element>;       // (B, D, T)
@group(0) @binding(3) var<storage, read_write> out: array<Element>;   // (B, D, T)

@compute @workgroup_size(WORKGROUP)
fn windowed_attention(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_index(workgroup, workgroups, WORKGROUP, local);
  let t = index % params.length;
  let batch = index / params.length;
  if (batch >= params.batches) { return; }
  let first = batch * params.channels * params.length;
  let steps = taps_in_row(t);
  let weights = window_weights(first, t, steps);
  for (var d = 0u; d < params.channels; d++) {
    let row = first + d * params.length;
    var sum = 0.0;
    for (var tap = 0u; tap < TAPS; tap++) {
      sum = fma(weights[tap], f32(value[row + steps[tap]]), sum);
    }
    out[row + t] = Element(sum);
  }
}
