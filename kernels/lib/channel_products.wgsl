// Sums of a channel of a batch normalization, by lanes that share it, with g the gradient of the result and n the
// normalized elements. A channel is `rows` runs of `span` elements: element i of run r is at
// channel channel_stride + r row_stride + i stride.
// The kernel declares Params and the bindings as norm/batch_norm_sums_plain.wgsl does.

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
