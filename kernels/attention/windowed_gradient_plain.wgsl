// Gradient of windowed attention (windowed_plain.wgsl), from p and z of every query (windowed_gradient_weights.wgsl):
//   query_gradient[d, t] = scale sum_j z_j[t] key[d, t_j]
// and over the queries u_j that attend step t by tap j:
//   key_gradient[d, t]   = scale sum_j z_j[u_j] query[d, u_j]
//   value_gradient[d, t] = sum_j p_j[u_j] g[d, u_j]
// One invocation CHANNELS elements of a step.
//! import lib/attention_window.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
const CHANNELS = 1u;
alias Element = f32;

struct Params { batches: u32, channels: u32, length: u32, dilation: u32, scale: f32, parts: u32 }   // parts: ceil(D / CHANNELS)
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> query: array<Element>;                  // (B, D, T)
@group(0) @binding(1) var<storage, read> key: array<Element>;                    // (B, D, T)
@group(0) @binding(2) var<storage, read> gradient: array<Element>;               // (B, D, T)
@group(0) @binding(3) var<storage, read> weights: array<vec2f>;                  // (B, TAPS, T) of p, z
@group(0) @binding(4) var<storage, read_write> query_gradient: array<Element>;   // (B, D, T)
@group(0) @binding(5) var<storage, read_write> key_gradient: array<Element>;     // (B, D, T)
@group(0) @binding(6) var<storage, read_write> value_gradient: array<Element>;   // (B, D, T)

@compute @workgroup_size(WORKGROUP)
fn windowed_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_index(workgroup, workgroups, WORKGROUP, local);
  let t = index % params.length;
  let part = index / params.length % params.parts;
  let batch = index / params.length / params.parts;
  if (batch >= params.batches) { return; }

  var of_query: array<f32, TAPS>;   // z of the taps of t
  var of_step: array<vec2f, TAPS>;  // p and z of the queries that attend t, 0 where there is none
  for (var tap = 0u; tap < TAPS; tap++) {
    let row = (batch * TAPS + tap) * params.length;
    of_query[tap] = params.scale * weights[row + t].y;
    let u = tap_query(t, tap);
    let of_tap = weights[row + min(u, params.length - 1)] * vec2f(1, params.scale);
    of_step[tap] = select(vec2f(), of_tap, u < params.length);
  }
  let steps = taps_in_row(t);   // those of the queries are the same, the last tap first
  let end = min((part + 1) * CHANNELS, params.channels);
  for (var d = part * CHANNELS; d < end; d++) {
    let row = (batch * params.channels + d) * params.length;
    var sums = vec3f();
    for (var tap = 0u; tap < TAPS; tap++) {
      let u = row + steps[TAPS - 1 - tap];
      sums.x = fma(of_query[tap], f32(key[row + steps[tap]]), sums.x);
      sums.y = fma(of_step[tap].y, f32(query[u]), sums.y);
      sums.z = fma(of_step[tap].x, f32(gradient[u]), sums.z);
    }
    query_gradient[row + t] = Element(sums.x);
    key_gradient[row + t] = Element(sums.y);
    value_gradient[row + t] = Element(sums.z);
  }
}
