// Sums of a channel of a batch normalization, by lanes that share it, with g the gradient of the result and n the
// normalized elements. A channel is `rows` runs of `span` elements: element i of run r is at
// channel channel_stride + r row_stride + i stride.

alias Element = f32;

struct Params {
  channels: u32, channel_stride: u32,
  span: u32, stride: u32,
  rows: u32, row_stride: u32,
  eps: f32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;          // (B, C, S)
@group(0) @binding(1) var<storage, read> gradient: array<Element>;   // (B, C, S), of the result
@group(0) @binding(2) var<storage, read> mean: array<f32>;           // (C)
@group(0) @binding(3) var<storage, read> variance: array<f32>;       // (C)
@group(0) @binding(4) var<storage, read_write> sums: array<vec2f>;   // (C): of g and g n

/// Elements that a lane adds up before it adds their sum to those before, and rows likewise.
const CHUNK = 1024u;

/// The lane's share of the sums of g and g n.
fn channel_products(channel: u32, lane: u32, lanes: u32) -> vec2f {
  let center = mean[channel];
  let deviation = sqrt(variance[channel] + params.eps);
  var all = vec2f();
  for (var rows = 0u; rows < params.rows; rows += CHUNK) {
    var of_rows = vec2f();
    for (var row = rows; row < min(rows + CHUNK, params.rows); row++) {
      let first = channel * params.channel_stride + row * params.row_stride;
      for (var chunk = lane; chunk < params.span; chunk += CHUNK * lanes) {
        var part = vec2f();
        for (var i = chunk; i < min(chunk + CHUNK * lanes, params.span); i += lanes) {
          let at = first + i * params.stride;
          part += f32(gradient[at]) * vec2f(1.0, (f32(x[at]) - center) / deviation);
        }
        of_rows += part;
      }
    }
    all += of_rows;
  }
  return all;
}
