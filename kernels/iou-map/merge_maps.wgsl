// Multi-scale maps merged to the one map of all moments (MS-2D-TAN, `recover_to_single_map`): cell
// (s, l) of `out` is the moment that begins at clip s and lasts l + 1 clips;
//   out[s, l] = max_k packed_k[s / 2^k, (l + 1) / 2^k - 1]
// over the scales k that have that moment as a valid cell, and `initial` where none has.
// One invocation a cell of `out`.
//! import lib/index.wgsl
//! import lib/map_layout.wgsl

const WORKGROUP = 64u;
const HAS_LENGTHS = false;
alias Element = f32;

struct Params { batch: u32, clips: u32, rows: u32, columns: u32, scales: u32, initial: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> packed: array<Element>;      // (B, R, A)
@group(0) @binding(1) var<storage, read> lengths: array<u32>;         // (B) clips
@group(0) @binding(2) var<storage, read_write> out: array<Element>;   // (B, N, N)

@compute @workgroup_size(WORKGROUP)
fn merge_maps(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let cell = linear_index(workgroup, workgroups, WORKGROUP, local);
  let clips = params.clips;
  if (cell >= params.batch * clips * clips) { return; }
  let duration = cell % clips + 1u;
  let first = cell / clips % clips;
  let video = cell / (clips * clips);
  var length = clips;
  if (HAS_LENGTHS) { length = min(lengths[video], clips); }

  var best = params.initial;
  var scale_begin = video * params.rows;
  for (var scale = 0u; scale < params.scales; scale++) {
    let stride = 1u << scale;
    // What a stride does not divide, no larger one does.
    if (((first | duration) & (stride - 1u)) != 0u) { break; }
    let start = first >> scale;
    let column = (duration >> scale) - 1u;
    let rows = clips >> scale;
    if (start < rows && column < params.columns && map_cell_is_valid(stride, start, column, length)) {
      best = max(best, f32(packed[(scale_begin + start) * params.columns + column]));
    }
    scale_begin += rows;
  }
  out[cell] = Element(best);
}
