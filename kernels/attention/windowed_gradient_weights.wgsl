// What the gradient of windowed attention (windowed_plain.wgsl) needs of the taps of each query, with g the gradient of
// its output:
//   p_j                                                   the weights of the taps
//   z_j = p_j (o_j - sum_i p_i o_i)                       the gradient of s_j, with o_j = sum_d g[d, t] value[d, t_j]
// One invocation a query.
//! import lib/attention_window.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { batches: u32, channels: u32, length: u32, dilation: u32, scale: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> query: array<Element>;      // (B, D, T)
@group(0) @binding(1) var<storage, read> key: array<Element>;        // (B, D, T)
@group(0) @binding(2) var<storage, read> value: array<Element>;      // (B, D, T)
@group(0) @binding(3) var<storage, read> gradient: array<Element>;   // (B, D, T)
@group(0) @binding(4) var<storage, read_write> out: array<vec2f>;    // (B, TAPS, T) of p, z

@compute @workgroup_size(WORKGROUP)
fn windowed_gradient_weights(
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

  var of_weights: array<f32, TAPS>;
  for (var begin = 0u; begin < params.channels; begin += BLOCK) {
    var block = array<f32, TAPS>();
    let end = min(begin + BLOCK, params.channels);
    for (var d = begin; d < end; d++) {
      let row = first + d * params.length;
      let g = f32(gradient[row + t]);
      for (var tap = 0u; tap < TAPS; tap++) {
        block[tap] = fma(g, f32(value[row + steps[tap]]), block[tap]);
      }
    }
    for (var tap = 0u; tap < TAPS; tap++) { of_weights[tap] += block[tap]; }
  }
  var mean = 0.0;
  for (var tap = 0u; tap < TAPS; tap++) { mean += weights[tap] * of_weights[tap]; }
  for (var tap = 0u; tap < TAPS; tap++) {
    out[(batch * TAPS + tap) * params.length + t] =
      vec2f(weights[tap], weights[tap] * (of_weights[tap] - mean));
  }
}
