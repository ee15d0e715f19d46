// Matrices of a subgroup, for the kernels for tensor cores: Left is (MATRIX_M, MATRIX_K), Right is (MATRIX_K, MATRIX_N),
// Sum is (MATRIX_M, MATRIX_N).
// A kernel keeps many matrices, in arrays. An array stays in registers where every index of it is a literal, also in a
// function that takes it by a pointer: it compiles to the same registers, without spills, as variables that are named
// one by one (Mesa's ACO for RDNA 3, matmul/matrix.wgsl both ways). What becomes of another index is up to the compiler:
// ACO compares it with each element, and others may put the array into memory. Hence lists of lines instead of loops.
// The check of bounds before an access to a matrix in memory goes away only where the offset is known.
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);

const MATRIX_M = 16u;         // the shape that the device multiplies
const MATRIX_N = 16u;
const MATRIX_K = 16u;
const SUBGROUPS = 4u;         // that multiply
const WORKGROUP = 128u;       // SUBGROUPS times the largest size that a subgroup may have; where they are smaller there
                              // are more, and those only move data
alias Element = f16;
alias Left = subgroup_matrix_left<Element, MATRIX_K, MATRIX_M>;
alias Right = subgroup_matrix_right<Element, MATRIX_N, MATRIX_K>;
alias Sum = subgroup_matrix_result<f32, MATRIX_N, MATRIX_M>;

/// left . right + sum
fn times(left: Left, right: Right, sum: Sum) -> Sum {
  return subgroupMatrixMultiplyAccumulate(left, right, sum);
}
