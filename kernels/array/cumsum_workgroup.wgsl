// Cumulative sum along the last axis:   out[o, k] = sum over j <= k of x[o, j]   (REVERSE: over j >= k)
// One workgroup a part of WORKGROUP * ITEMS elements, ITEMS neighbours for each invocation. The sums of the invocations
// are added up in workgroup memory (Hillis and Steele 1986), the sums of the parts before it come from `sums`.
//! import lib/index.wgsl

const WORKGROUP = 256u;
const ITEMS = 4u;
const REVERSE = false;
alias Element = f32;
alias Out = f32;

struct Params { count: u32, n: u32, parts: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;       // (outer, n)
@group(0) @binding(1) var<storage, read> sums: array<f32>;        // (outer, parts): cumulative sums of the parts
@group(0) @binding(2) var<storage, read_write> out: array<Out>;   // (outer, n), `count` parts of rows

var<workgroup> totals: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn cumsum(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_workgroup(workgroup, workgroups);
  if (i >= params.count) { return; }
  let part = i % params.parts;
  let start = i / params.parts * params.n;
  // Invocations follow the direction of the sum, so that each needs what those before it have.
  let lane = select(local, WORKGROUP - 1 - local, REVERSE);
  let first = part * WORKGROUP * ITEMS + lane * ITEMS;

  var own: array<f32, ITEMS>;
  var total = 0.0;
  for (var j = 0u; j < ITEMS; j++) {
    let k = first + select(j, ITEMS - 1 - j, REVERSE);
    if (k < params.n) { total += f32(x[start + k]); }
    own[j] = total;
  }
  totals[local] = total;
  workgroupBarrier();
  for (var step = 1u; step < WORKGROUP; step *= 2) {
    var before = 0.0;
    if (local >= step) { before = totals[local - step]; }
    workgroupBarrier();
    totals[local] += before;
    workgroupBarrier();
  }

  var before = 0.0;
  if (local > 0) { before = totals[local - 1]; }
  if (REVERSE) {
    if (part + 1 < params.parts) { before += sums[i + 1]; }
  } else if (part > 0) {
    before += sums[i - 1];
  }
  for (var j = 0u; j < ITEMS; j++) {
    let k = first + select(j, ITEMS - 1 - j, REVERSE);
    if (k < params.n) { out[start + k] = Out(before + own[j]); }
  }
}
