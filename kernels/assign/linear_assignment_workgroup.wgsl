// The linear assignment of least cost, as in linear_assignment_plain.wgsl, with the rows of a scan shared out: each
// invocation owns every WORKGROUP-th row. The rows that change hands are few, one invocation moves them.
// One workgroup a batch element.
//! import lib/index.wgsl
//! import lib/assignment.wgsl

const WORKGROUP = 64u;
const CAPACITY = 64u;      // at least rows, at least targets
const HAS_COUNTS = false;
alias Element = f32;

struct Params { batch: u32, rows: u32, targets: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> cost: array<Element>;            // (B, rows, targets)
@group(0) @binding(1) var<storage, read> counts: array<u32>;              // (B) targets that there are
@group(0) @binding(2) var<storage, read_write> row_of: array<u32>;        // (B, targets), `rows` where none
@group(0) @binding(3) var<storage, read_write> target_of: array<u32>;     // (B, rows), `targets` where none

var<workgroup> row_price: array<f32, CAPACITY>;
var<workgroup> target_price: array<f32, CAPACITY>;
var<workgroup> distance: array<f32, CAPACITY>;
/// The target from which the path comes to a row.
var<workgroup> before: array<u32, CAPACITY>;
var<workgroup> scanned: array<u32, CAPACITY>;
var<workgroup> owner: array<u32, CAPACITY>;   // of a row
var<workgroup> owned: array<u32, CAPACITY>;   // by a target
/// What each invocation found: its largest cost, then its nearest row.
var<workgroup> sizes: array<f32, WORKGROUP>;
var<workgroup> finds: array<u32, WORKGROUP>;
var<workgroup> largest: f32;
var<workgroup> nearest: u32;

/// Whether a row comes before another: nearer, or as near and free where the other is not, or the lower one.
fn comes_first(row: u32, other: u32) -> bool {
  if (row == nobody || other == nobody) { return other == nobody; }
  if (distance[row] != distance[other]) { return distance[row] < distance[other]; }
  let free = owner[row] == nobody;
  if (free != (owner[other] == nobody)) { return free; }
  return row < other;
}

@compute @workgroup_size(WORKGROUP)
fn linear_assignment(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let element = linear_workgroup(workgroup, workgroups);
  if (element >= params.batch) { return; }
  let rows = params.rows;
  let start = element * rows * params.targets;
  var count = params.targets;
  if (HAS_COUNTS) { count = min(counts[element], count); }

  var size = 0.0;
  for (var row = local; row < rows; row += WORKGROUP) {
    row_price[row] = 0.0;
    owner[row] = nobody;
    for (var t = 0u; t < count; t++) { size = max(size, cost_size(f32(cost[start + row * params.targets + t]))); }
  }
  sizes[local] = size;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 1u; i < WORKGROUP; i++) { size = max(size, sizes[i]); }
    largest = size;
  }
  let forbidden = forbidden_cost(workgroupUniformLoad(&largest), count);

  for (var first = 0u; first < count; first++) {
    for (var row = local; row < rows; row += WORKGROUP) {
      distance[row] = unreached;
      scanned[row] = 0u;
    }
    if (local == 0u) { target_price[first] = 0.0; }
    workgroupBarrier();
    var at = first;
    var reached = 0.0;
    var found = nobody;
    loop {
      let price = target_price[at];
      var best = nobody;
      for (var row = local; row < rows; row += WORKGROUP) {
        if (scanned[row] == 1u) { continue; }
        let reduced = sound_cost(f32(cost[start + row * params.targets + at]), forbidden) - price - row_price[row];
        if (reached + reduced < distance[row]) {
          distance[row] = reached + reduced;
          before[row] = at;
        }
        if (comes_first(row, best)) { best = row; }
      }
      finds[local] = best;
      workgroupBarrier();
      if (local == 0u) {
        for (var i = 1u; i < WORKGROUP; i++) {
          if (comes_first(finds[i], best)) { best = finds[i]; }
        }
        nearest = best;
      }
      found = workgroupUniformLoad(&nearest);
      // The invocation that owns the row is the only one that reads this.
      if (found % WORKGROUP == local) { scanned[found] = 1u; }
      reached = distance[found];
      at = workgroupUniformLoad(&owner[found]);
      if (at == nobody) { break; }
    }

    if (local == 0u) { target_price[first] += reached; }
    for (var row = local; row < rows; row += WORKGROUP) {
      if (scanned[row] == 0u) { continue; }
      row_price[row] -= reached - distance[row];
      if (owner[row] != nobody) { target_price[owner[row]] += reached - distance[row]; }
    }
    workgroupBarrier();
    if (local == 0u) {
      var row = found;
      loop {
        let t = before[row];
        owner[row] = t;
        if (t == first) {
          owned[t] = row;
          break;
        }
        let next = owned[t];
        owned[t] = row;
        row = next;
      }
    }
    workgroupBarrier();
  }

  for (var t = local; t < params.targets; t += WORKGROUP) {
    var row = rows;
    if (t < count) { row = owned[t]; }
    row_of[element * params.targets + t] = row;
  }
  for (var row = local; row < rows; row += WORKGROUP) {
    target_of[element * rows + row] = min(owner[row], params.targets);
  }
}
