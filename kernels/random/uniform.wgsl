// Uniform numbers in the open interval (0, 1), the same bits on every driver:
//   out[4 i + j] = word j of philox(counter + i, seed), its top BITS bits with the last one set, over 2^BITS
// BITS is 24 for f32 and 11 for f16, so that every value is exact in the type and none rounds to 1.
// One invocation an i: four numbers.
//! import lib/index.wgsl
//! import lib/philox.wgsl
//! import lib/random_stream.wgsl

const WORKGROUP = 64u;
const BITS = 24u;
alias Element = f32;

struct Params { count: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> state: array<u32>;           // (4): seed, counter
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (count)

@compute @workgroup_size(WORKGROUP)
fn uniform_numbers(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let bits = philox(stream_counter(state[2], state[3], i), vec2u(state[0], state[1]));
  let values = vec4f((bits >> vec4u(32u - BITS)) | vec4u(1u)) / f32(1u << BITS);
  for (var j = 0u; j < 4u && 4u * i + j < params.count; j++) { out[4u * i + j] = Element(values[j]); }
}
