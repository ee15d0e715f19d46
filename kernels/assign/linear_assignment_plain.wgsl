// The linear assignment of least cost: to each target a row of its own, so that the sum of their costs is least
// (Jonker and Volgenant 1987, by shortest augmenting paths, as Crouse 2016 gives them). Target after target: Dijkstra's
// algorithm finds the shortest path over rows to one that is free, in costs reduced by the prices of rows and targets; the
// rows on the path change hands, and the prices follow. Of equally near rows a free one comes first, then the lower one.
// One invocation a batch element.
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

var<private> row_price: array<f32, CAPACITY>;
var<private> target_price: array<f32, CAPACITY>;
var<private> distance: array<f32, CAPACITY>;
/// The target from which the path comes to a row.
var<private> before: array<u32, CAPACITY>;
var<private> scanned: array<bool, CAPACITY>;
var<private> owner: array<u32, CAPACITY>;   // of a row
var<private> owned: array<u32, CAPACITY>;   // by a target

@compute @workgroup_size(WORKGROUP)
fn linear_assignment(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let element = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (element >= params.batch) { return; }
  let rows = params.rows;
  let start = element * rows * params.targets;
  var count = params.targets;
  if (HAS_COUNTS) { count = min(counts[element], count); }

  var largest = 0.0;
  for (var row = 0u; row < rows; row++) {
    row_price[row] = 0.0;
    owner[row] = nobody;
    for (var t = 0u; t < count; t++) {
      largest = max(largest, cost_size(f32(cost[start + row * params.targets + t])));
    }
  }
  let forbidden = forbidden_cost(largest, count);

  for (var first = 0u; first < count; first++) {
    for (var row = 0u; row < rows; row++) {
      distance[row] = unreached;
      scanned[row] = false;
    }
    target_price[first] = 0.0;
    var at = first;
    var reached = 0.0;
    var nearest = nobody;
    loop {
      nearest = nobody;
      for (var row = 0u; row < rows; row++) {
        if (scanned[row]) { continue; }
        let reduced =
          sound_cost(f32(cost[start + row * params.targets + at]), forbidden) - target_price[at] - row_price[row];
        if (reached + reduced < distance[row]) {
          distance[row] = reached + reduced;
          before[row] = at;
        }
        if (nearest == nobody) { nearest = row; continue; }
        let nearer = distance[row] < distance[nearest];
        let free = owner[row] == nobody && owner[nearest] != nobody;
        if (nearer || (distance[row] == distance[nearest] && free)) { nearest = row; }
      }
      scanned[nearest] = true;
      reached = distance[nearest];
      if (owner[nearest] == nobody) { break; }
      at = owner[nearest];
    }

    target_price[first] += reached;
    for (var row = 0u; row < rows; row++) {
      if (!scanned[row]) { continue; }
      row_price[row] -= reached - distance[row];
      if (owner[row] != nobody) { target_price[owner[row]] += reached - distance[row]; }
    }
    var row = nearest;
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

  for (var t = 0u; t < params.targets; t++) {
    var row = rows;
    if (t < count) { row = owned[t]; }
    row_of[element * params.targets + t] = row;
  }
  for (var row = 0u; row < rows; row++) {
    target_of[element * rows + row] = min(owner[row], params.targets);
  }
}
