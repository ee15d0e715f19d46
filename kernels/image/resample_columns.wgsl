// The second half of resample_plain.wgsl: what resample_rows.wgsl gave, resampled along the columns and normalized,
//   out[b, c, y, x] = (colour c of column x at y - mean) scale.
// One invocation an output pixel.
//! import lib/index.wgsl
//! import lib/cubic.wgsl

const WORKGROUP = 64u;

struct Params { batches: u32, height: u32, out_height: u32, width: u32, mean: f32, scale: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> narrow: array<vec4f>;     // (batches, height, width): red, green, blue, 0
@group(0) @binding(1) var<storage, read_write> out: array<f32>;    // (batches, 3, out_height, width)

@compute @workgroup_size(WORKGROUP)
fn resample_columns(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let p = params;
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= p.batches * p.out_height * p.width) { return; }
  let x = i % p.width;
  let y = i / p.width % p.out_height;
  let batch = i / (p.width * p.out_height);

  let window = cubic_window(y, p.height, p.out_height);
  var sum = vec3f();
  var total = 0.0;
  for (var row = window.x; row < window.y; row++) {
    let weight = cubic_weight(row, y, p.height, p.out_height);
    sum += weight * narrow[(batch * p.height + row) * p.width + x].rgb;
    total += weight;
  }

  let colour = (saturate(sum / total) - p.mean) * p.scale;
  let plane = p.out_height * p.width;
  let first = 3u * plane * batch + y * p.width + x;
  for (var channel = 0u; channel < 3u; channel++) { out[first + channel * plane] = colour[channel]; }
}
