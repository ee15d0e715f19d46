// Philox4x32-10: a counter of 128 bits and a key of 64 bits to 128 random bits. Integers only, so every
// driver gives the same bits, and so do src/ops/random/philox.ts and native/src/philox.h.
// Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.3.

/// Four random words for one value of the counter.
fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let high0 = multiply_high(0xd2511f53u, c.x);
    let high1 = multiply_high(0xcd9e8d57u, c.z);
    c = vec4u(high1 ^ c.y ^ k.x, c.z * 0xcd9e8d57u, high0 ^ c.w ^ k.y, c.x * 0xd2511f53u);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

/// The upper word of the 64-bit product, from products of 16-bit halves; no sum here overflows.
fn multiply_high(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  let other = a0 * b1 + (middle & 0xffffu);
  return a1 * b1 + (middle >> 16u) + (other >> 16u);
}

/// Uniform in the open interval (0, 1): the top 24 bits with the last one set, over 2^24. Every value is
/// exact in f32 (24 bits and half a step would round to 1 at the top), and none is 0 or 1.
fn open_uniform(bits: vec4u) -> vec4f {
  return vec4f((bits >> vec4u(8u)) | vec4u(1u)) * 0x1p-24;
}
