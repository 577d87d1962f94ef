#pragma once

#include <ntape/tensor/matrix.hpp>

namespace ntape {

/// C = 1/(2N) sum_i |f_i - y_i|^2 (Jacot et al. 2018, section 3: divided by the number of examples N, not by
/// outputs): objective "mean_square", as functions. f, y [N x C]. Summed in double; of dual numbers, the
/// values. Throws ShapeError when the shapes differ, UserError when there is no example.
template <class Real>
[[nodiscard]] double mean_square(const Matrix<Real>& f, const Matrix<Real>& y);

/// dC/df = (f - y)/N, written into cotangent [1 x N x C].
template <class Real>
void mean_square_cotangent(const Matrix<Real>& f, const Matrix<Real>& y, Stack<Real>& cotangent);

}  // namespace ntape
