#pragma once

#include <ntape/jacobian/gram.hpp>
#include <vector>

/// The arithmetic of kernels from blocks; no part of the library's interface.
namespace ntape::detail {

/// scale A A'^T [N1 x N2]; null matrices stand for columns of ones.
template <class Real>
struct InputGram {
  const Matrix<Real>* a1;
  const Matrix<Real>* a2;
  Real scale;
};

/// (D D'^T) o (the sum of input Grams), over examples and outputs: what parameters contribute whose
/// cotangents are the same. d1 [C x N1 x o], d2 [C x N2 x o].
template <class Real>
struct GramTerm {
  const Stack<Real>* d1;
  const Stack<Real>* d2;
  std::vector<InputGram<Real>> inputs;
};

/// out[g] += what the sum of terms[g] has in the window, in that form. With `symmetric`, the sum over the
/// terms of a group is a symmetric kernel, and only what lies in tiles that meet the lower triangle is added:
/// see mirror_kernel. Tile by tile, in memory of a few tiles a thread; the full form of several outputs takes
/// a copy of the window's part of each d besides.
template <class Real>
void add_terms(const std::vector<std::vector<GramTerm<Real>>>& terms, KernelForm form, bool symmetric,
               const GramWindow& window, std::vector<Matrix<Real>>& out);

/// Completes a symmetric kernel of that form from its lower triangle.
template <class Real>
void mirror_kernel(KernelForm form, Matrix<Real>& kernel);

}  // namespace ntape::detail
