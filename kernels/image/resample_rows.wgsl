// The first half of resample_plain.wgsl: pixels of pictures, resampled along the rows,
//   narrow[b, y, x] = colours of picture b in row y at x, cut to [0, 1].
// One invocation an element of `narrow`, so that the weights are computed once for the three colours.
//! import lib/index.wgsl
//! import lib/cubic.wgsl

const WORKGROUP = 64u;

struct Params { rows: u32, width: u32, out_width: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> pixels: array<u32>;              // (rows, width): red lowest, alpha highest
@group(0) @binding(1) var<storage, read_write> narrow: array<vec4f>;      // (rows, out_width): red, green, blue, 0

@compute @workgroup_size(WORKGROUP)
fn resample_rows(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let p = params;
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= p.rows * p.out_width) { return; }
  let x = i % p.out_width;
  let start = i / p.out_width * p.width;

  let window = cubic_window(x, p.width, p.out_width);
  var sum = vec3f();
  var total = 0.0;
  for (var column = window.x; column < window.y; column++) {
    let weight = cubic_weight(column, x, p.width, p.out_width);
    sum += weight * unpack4x8unorm(pixels[start + column]).rgb;
    total += weight;
  }
  narrow[i] = vec4f(saturate(sum / total), 0.0);
}
