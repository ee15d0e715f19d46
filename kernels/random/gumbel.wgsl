// Standard Gumbel numbers: -log(-log u), u uniform. One invocation a Philox block: four numbers.
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
fn gumbel_numbers(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let values = gumbel(open_uniform(philox(stream_counter(state[2], state[3], i), vec2u(state[0], state[1]))));
  for (var j = 0u; j < 4u && 4u * i + j < params.count; j++) { out[4u * i + j] = Element(values[j]); }
}
