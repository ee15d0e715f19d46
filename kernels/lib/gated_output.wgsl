// The end of a gated convolution (MS-2D-TAN, MapGatedConv), from the sums of a value and of its gate:
//   activate(sum + bias) * sigmoid(gate + gate_bias) * mask
// partial_sum holds shares of the sums that were computed before: of the O output channels, then of the G gate channels.
// The kernel declares the bindings `bias`, `gate_bias`, `partial_sum` and `mask`, and params with out_channels,
// partial_batch and mask_batch.
//! import lib/activation.wgsl

const HAS_BIAS = false;
const HAS_GATE_BIAS = false;
const HAS_PARTIAL = false;
const HAS_MASK = false;
alias Element = f32;
alias Partial = f32;

/// Which element of the output it is.
struct Place {
  batch: u32,
  channel: u32,
  gate_channel: u32,
  plane: u32,      // OH OW
  position: u32,   // in the plane
}

fn gated_output(own_sum: f32, own_gate: f32, place: Place) -> f32 {
  var sum = own_sum;
  var gate = own_gate;
  if (HAS_BIAS) { sum += f32(bias[place.channel]); }
  if (HAS_GATE_BIAS) { gate += f32(gate_bias[place.gate_channel]); }
  if (HAS_PARTIAL) {
    let start = place.batch * params.partial_batch + place.position;
    sum += f32(partial_sum[start + place.channel * place.plane]);
    gate += f32(partial_sum[start + (params.out_channels + place.gate_channel) * place.plane]);
  }
  var value = activate(sum) * sigmoid(gate);
  if (HAS_MASK) { value *= f32(mask[place.batch * params.mask_batch + place.position]); }
  return value;
}
