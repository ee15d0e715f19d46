// A row of the logits in its decoding: rows 0 to R - 1 of each of B sequences are the logits of its last R positions.
// The kernel declares `tokens` (B, L), `state`, and params with batch, length, rows, start, block_length, mask_id.
//! import lib/decoding.wgsl
//! import lib/token_choice.wgsl

fn place_of(row: u32, temperature: f32) -> Place {
  let batch = row / params.rows;
  let position = params.length - params.rows + row % params.rows;
  let token = tokens[batch * params.length + position];
  let end = block_end(state.block, params.start, params.block_length, params.length);
  return Place(
    role_of(position, token == params.mask_id, params.start, end),
    token,
    temperature,
    vec3u(position, batch, state.step + 1u),
    vec2u(state.seed_low, state.seed_high),
  );
}
