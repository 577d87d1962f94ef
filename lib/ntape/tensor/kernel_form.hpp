#pragma once

namespace ntape {

/// Which pairs of the C outputs a kernel on N1 x N2 examples keeps, and how its matrix is laid out.
///   full      [N1 C x N2 C], row n C + c: every pair of outputs
///   diagonal  [C N1 x N2], C kernels under each other: equal outputs
///   trace     [N1 x N2]: the mean over outputs of the diagonal ones, (1/C) sum_c Theta_cc
enum class KernelForm { full, diagonal, trace };

}  // namespace ntape
