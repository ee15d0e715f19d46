// Second half of what candidates_plain.wgsl computes: puts together what the parts of a row saw.
// One workgroup a row.
//! import lib/candidate_row.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params {
  batch: u32,         // B
  length: u32,        // L
  rows: u32,          // R
  parts: u32,
  start: u32,
  block_length: u32,
  mask_id: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> partials: array<Choice>;         // (B, R, parts)
@group(0) @binding(1) var<storage, read> tokens: array<u32>;              // (B, L)
@group(0) @binding(2) var<storage, read> state: Decoding;
@group(0) @binding(3) var<storage, read_write> candidates: array<u32>;    // (B, R)
@group(0) @binding(4) var<storage, read_write> confidence: array<f32>;    // (B, R)

var<workgroup> choices: array<Choice, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn token_candidates(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_workgroup(workgroup, workgroups);
  if (row >= params.batch * params.rows) { return; }
  let place = place_of(row, 0.0);

  var choice = no_choice();
  if (place.role != IDLE) {
    for (var part = local; part < params.parts; part += WORKGROUP) {
      choice = merged(choice, partials[row * params.parts + part]);
    }
  }
  choices[local] = choice;
  workgroupBarrier();
  if (local != 0u) { return; }
  for (var other = 1u; other < WORKGROUP; other++) { choice = merged(choice, choices[other]); }
  candidates[row] = select(choice.id, place.token, choice.id == NO_TOKEN);
  confidence[row] = confidence_of(choice, place);
}
