// Pixels of pictures, resampled to another size and normalized:
//   out[b, c, y, x] = (colour c of picture b at (y, x) - mean) scale,  colours from 0 to 1,
// by cubic resampling (lib/cubic.wgsl) along the rows and then along the columns, as Pillow's `resize` does it;
// both times what overshoots is cut to [0, 1]. One invocation an output pixel.
//! import lib/index.wgsl
//! import lib/cubic.wgsl

const WORKGROUP = 64u;

struct Params { batches: u32, height: u32, width: u32, out_height: u32, out_width: u32, mean: f32, scale: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> pixels: array<u32>;       // (batches, height, width): red lowest, alpha highest
@group(0) @binding(1) var<storage, read_write> out: array<f32>;    // (batches, 3, out_height, out_width)

@compute @workgroup_size(WORKGROUP)
fn resample(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let p = params;
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= p.batches * p.out_height * p.out_width) { return; }
  let x = i % p.out_width;
  let y = i / p.out_width % p.out_height;
  let batch = i / (p.out_width * p.out_height);

  let columns = cubic_window(x, p.width, p.out_width);
  let rows = cubic_window(y, p.height, p.out_height);
  var sum = vec3f();
  var total = 0.0;
  for (var row = rows.x; row < rows.y; row++) {
    let start = (batch * p.height + row) * p.width;
    var row_sum = vec3f();
    var row_total = 0.0;
    for (var column = columns.x; column < columns.y; column++) {
      let weight = cubic_weight(column, x, p.width, p.out_width);
      row_sum += weight * unpack4x8unorm(pixels[start + column]).rgb;
      row_total += weight;
    }
    let weight = cubic_weight(row, y, p.height, p.out_height);
    sum += weight * saturate(row_sum / row_total);
    total += weight;
  }

  let colour = (saturate(sum / total) - p.mean) * p.scale;
  let plane = p.out_height * p.out_width;
  let first = 3u * plane * batch + y * p.out_width + x;
  for (var channel = 0u; channel < 3u; channel++) { out[first + channel * plane] = colour[channel]; }
}
