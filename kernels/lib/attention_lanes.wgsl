// Four rows of a lane in registers, for the attention kernels of software drivers (attention/shuffle.wgsl has the
// technique): vector k of all four is a mat4x4f with a row for a column, so that v * m are four dot products. The kernel
// declares VECTORS, those of a head.
enable subgroups;

const WORKGROUP = 8u;
const LANES = 8u;             // at most the size of the smallest subgroup
const TILE = 4 * WORKGROUP;   // rows of a workgroup
const PART = (VECTORS + 3) / 4;
const PARTS = vec4u(min(PART, VECTORS), min(2 * PART, VECTORS), min(3 * PART, VECTORS), VECTORS);   // where they end

/// Moves all rows of an array one place to the front and puts `next` after them. Unlike an index that is not constant,
/// this leaves the array in registers, and a loop around it needs one load or store in the program.
fn shift(m: mat4x4f, next: vec4f) -> mat4x4f {
  return mat4x4f(m[1], m[2], m[3], next);
}

/// m plus v times a number of each row.
fn added(m: mat4x4f, v: vec4f, factors: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(v, vec4f(factors.x), m[0]),
    fma(v, vec4f(factors.y), m[1]),
    fma(v, vec4f(factors.z), m[2]),
    fma(v, vec4f(factors.w), m[3]),
  );
}
