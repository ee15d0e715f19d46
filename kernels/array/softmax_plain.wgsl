// Softmax over the last axis, or its logarithm:
//   out[r, c] = exp(x[r, c] - m_r) / s_r        m_r = max_c x[r, c],  s_r = sum_c exp(x[r, c] - m_r)
//   out[r, c] = x[r, c] - m_r - log(s_r)        with LOG
// One invocation a row; it reads the row three times and adds up in blocks, so that the rounding error grows with the
// block and with the number of blocks, not with the row.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const BLOCK = 1024u;
const LOG = false;
alias Element = f32;

struct Params { rows: u32, columns: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (rows, columns)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (rows, columns)

@compute @workgroup_size(WORKGROUP)
fn softmax(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  let end = start + params.columns;

  var maximum = f32(x[start]);
  for (var i = start + 1u; i < end; i++) { maximum = max(maximum, f32(x[i])); }
  var sum = 0.0;
  for (var block = start; block < end; block += BLOCK) {
    var part = 0.0;
    for (var i = block; i < min(block + BLOCK, end); i++) { part += exp(f32(x[i]) - maximum); }
    sum += part;
  }

  for (var i = start; i < end; i++) {
    let shifted = f32(x[i]) - maximum;
    out[i] = Element(select(exp(shifted) / sum, shifted - log(sum), LOG));
  }
}
