// What gradients are multiplied by so that their common norm is at most `largest` (PyTorch's clip_grad_norm_):
//   clip = min(1, largest / (norm + 1e-6)), and 0 where the norm is no number or infinite.
// One invocation in all.

struct Params { largest: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> square: array<f32>;      // (1): the squared norm
@group(0) @binding(1) var<storage, read_write> clip: array<f32>;  // (1)

@compute @workgroup_size(1)
fn clip_factor() {
  let norm = sqrt(square[0]);
  // By its bits: a driver may take it for granted that there are no infinities.
  let finite = (bitcast<u32>(norm) & 0x7f800000u) != 0x7f800000u;
  clip[0] = select(0.0, min(1.0, params.largest / (norm + 1e-6)), finite);
}
