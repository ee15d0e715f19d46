// Second half of what candidates_plain.wgsl computes: puts together what the lanes of a row saw.
// One workgroup a row.
//! import lib/decoding.wgsl
//! import lib/index.wgsl
//! import lib/token_choice.wgsl

const WORKGROUP = 64u;

struct Params {
  batch: u32,         // B
  length: u32,        // L
  rows: u32,          // R
  lanes: u32,
  start: u32,
  block_length: u32,
  mask_id: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> partials: array<Choice>;         // (B, R, lanes)
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
  let batch = row / params.rows;
  let position = params.length - params.rows + row % params.rows;
  let token = tokens[batch * params.length + position];
  let end = block_end(state.block, params.start, params.block_length, params.length);
  let place = Place(
    role_of(position, token == params.mask_id, params.start, end),
    token,
    0.0,
    vec3u(position, batch, state.step + 1u),
    vec2u(state.seed_low, state.seed_high),
  );

  var choice = no_choice();
  if (place.role != IDLE) {
    for (var lane = local; lane < params.lanes; lane += WORKGROUP) {
      choice = merged(choice, partials[row * params.lanes + lane]);
    }
  }
  choices[local] = choice;
  workgroupBarrier();
  if (local != 0u) { return; }
  for (var other = 1u; other < WORKGROUP; other++) { choice = merged(choice, choices[other]); }
  candidates[row] = select(choice.id, token, choice.id == NO_TOKEN);
  confidence[row] = confidence_of(choice, place);
}
