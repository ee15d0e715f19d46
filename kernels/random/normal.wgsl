// Standard normal numbers (Box and Muller 1958), two from each pair (u, v) of uniform ones:
//   sqrt(-2 log u) cos(2 pi v),  sqrt(-2 log u) sin(2 pi v)
// One invocation a Philox block: four uniform numbers, four normal ones.
//! import lib/gumbel.wgsl
//! import lib/index.wgsl
//! import lib/philox.wgsl
//! import lib/random_stream.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { count: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> state: array<u32>;           // (4): seed, counter
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (count)

@compute @workgroup_size(WORKGROUP)
fn normal_numbers(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let u = open_uniform(philox(stream_counter(state[2], state[3], i), vec2u(state[0], state[1])));
  let radius = sqrt(2.0 * exponential(u));
  let first = radius.x * circle(u.y);
  let second = radius.z * circle(u.w);
  let values = vec4f(first, second);
  for (var j = 0u; j < 4u && 4u * i + j < params.count; j++) { out[4u * i + j] = Element(values[j]); }
}

/// (cos, sin) of `turns` whole turns, by Taylor's series in the nearest quarter: WGSL lets its own cos and
/// sin be wrong by 2^-11, and some drivers use much of that.
fn circle(turns: f32) -> vec2f {
  let quarter = round(4.0 * turns);
  let x = 6.28318530718 * (turns - 0.25 * quarter);
  let q = x * x;
  let c = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0)));
  let s = x * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0))));
  switch (u32(quarter) & 3u) {
    case 1u: { return vec2f(-s, c); }
    case 2u: { return vec2f(-c, -s); }
    case 3u: { return vec2f(s, -c); }
    default: { return vec2f(c, s); }
  }
}
