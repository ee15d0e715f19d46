// Rotary position embedding (Su et al., arXiv:2104.09864) in the rotate-half layout of GPT-NeoX: for i < D / 2 the
// elements i and i + D / 2 of a row at position p turn by the angle a = p theta^(-2i / D):
//   out[i]         = x[i] cos a - x[i + D / 2] sin a
//   out[i + D / 2] = x[i + D / 2] cos a + x[i] sin a
// The table comes from the host, where it is made in double precision: the cosine of a large angle is far off in the
// f32 of many drivers. One invocation a pair of elements, or four pairs (Wide).
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_POSITIONS = false;
const INVERSE = false;       // turn back by the same angle
alias Element = f32;
alias Packed = Element;      // Element or vec4<Element>
alias Wide = f32;            // f32 or vec4f, likewise

/// half: vectors in half a row; position_batch: stride of positions along batches, 0 where all share one row.
struct Params { count: u32, half: u32, heads: u32, length: u32, position_batch: u32, offset: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Packed>;            // (B, H, L, D)
@group(0) @binding(1) var<storage, read> table: array<Wide>;          // (P, D): D / 2 cosines of a position, then its sines
@group(0) @binding(2) var<storage, read> positions: array<u32>;       // (B or 1, L) below P, with HAS_POSITIONS
@group(0) @binding(3) var<storage, read_write> out: array<Packed>;    // (B, H, L, D)

@compute @workgroup_size(WORKGROUP)
fn rotary(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (index >= params.count) { return; }
  let row = index / params.half;
  let i = index % params.half;
  let token = row % params.length;

  var position = params.offset + token;
  if (HAS_POSITIONS) {
    let batch = row / params.length / params.heads;
    position = positions[batch * params.position_batch + token];
  }
  let cosine = table[2 * position * params.half + i];
  var sine = table[(2 * position + 1) * params.half + i];
  if (INVERSE) { sine = -sine; }

  let first = 2 * row * params.half + i;
  let second = first + params.half;
  let a = Wide(x[first]);
  let b = Wide(x[second]);
  out[first] = Packed(a * cosine - b * sine);
  out[second] = Packed(b * cosine + a * sine);
}
