// Two 16-bit floats in a word, the one of the lower index in its low half, as weights are stored in files. bf16 is the
// upper half of an f32, f16 is IEEE 754's binary16; neither needs a feature of the device.

const BFLOAT = true;   // bf16, else f16

fn halves_of(word: u32) -> vec2f {
  if (BFLOAT) { return bitcast<vec2f>(vec2u(word << 16u, word & 0xffff0000u)); }
  return unpack2x16float(word);
}
