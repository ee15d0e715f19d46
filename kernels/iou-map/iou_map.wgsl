// Multi-scale 2D maps of the overlap of every candidate moment with the ground truth (the map Y_0 of
// multi-scale 2D temporal map diffusion; layout in lib/map_layout.wgsl): for cell (i, j) of scale k, d = 2^k,
//   map  = max_g IoU([i d unit, (i + j + 1) d unit], spans[g])   in a valid cell, 0 in the others
//   mask = 1 in a valid cell, 0 in the others
// One invocation a cell; all videos and scales in one dispatch.
//! import lib/index.wgsl
//! import lib/map_layout.wgsl

const WORKGROUP = 64u;
const HAS_SPANS = true;
const UNIT_PER_VIDEO = false;
alias Element = f32;

struct Params { batch: u32, clips: u32, rows: u32, columns: u32, spans: u32, unit: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> spans: array<vec2f>;          // (B, G) of start and end in seconds
@group(0) @binding(1) var<storage, read> span_counts: array<u32>;      // (B)
@group(0) @binding(2) var<storage, read> lengths: array<u32>;          // (B) clips
@group(0) @binding(3) var<storage, read> units: array<f32>;            // (B) seconds a clip
@group(0) @binding(4) var<storage, read_write> map: array<Element>;    // (B, R, A)
@group(0) @binding(5) var<storage, read_write> mask: array<Element>;   // (B, R, A)

/// IoU of the span with [first unit, (first + count) unit]. Times are taken relative to the cell's start and
/// with one rounding, so that a short moment late in a long video keeps its digits.
fn overlap(first: f32, count: f32, unit: f32, span: vec2f) -> f32 {
  let length = count * unit;
  let from_start = fma(vec2f(-first), vec2f(unit), span);
  let intersection = min(from_start.y, length) - max(from_start.x, 0.0);
  let together = length + (span.y - span.x) - intersection;
  return select(0.0, intersection / together, intersection > 0.0);
}

@compute @workgroup_size(WORKGROUP)
fn iou_map(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let cell = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (cell >= params.batch * params.rows * params.columns) { return; }
  let column = cell % params.columns;
  let row = map_row(cell / params.columns % params.rows, params.clips);
  let video = cell / (params.columns * params.rows);

  let valid = map_cell_is_valid(row.stride, row.start, column, min(lengths[video], params.clips));
  mask[cell] = Element(select(0.0, 1.0, valid));
  if (!HAS_SPANS) { return; }

  var best = 0.0;
  if (valid) {
    var unit = params.unit;
    if (UNIT_PER_VIDEO) { unit = units[video]; }
    let first = f32(row.start * row.stride);
    let count = f32((column + 1u) * row.stride);
    let begin = video * params.spans;
    let end = begin + min(span_counts[video], params.spans);
    for (var i = begin; i < end; i++) { best = max(best, overlap(first, count, unit, spans[i])); }
  }
  map[cell] = Element(best);
}
