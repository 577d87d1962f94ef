#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/tensor/linalg.hpp>
#include <ntape/tensor/one_blas_thread.hpp>
#include <stdexcept>
#include <string>
#include <xtensor-blas/xlinalg.hpp>

namespace ntape::linalg {
namespace {

void require_symmetric_input(const Matrix<double>& a) {
  if (a.shape(0) != a.shape(1))
    throw InternalError("symmetric_eigen: a " + to_string(shape_of(a)) + " matrix is not square");
  for (const double v : a)
    if (!std::isfinite(v))
      throw InternalError("symmetric_eigen: the matrix holds a value that is not finite");
}

// LAPACK's blocked routines give other bits on other thread counts.
template <class Solve>
auto on_one_thread(Solve&& solve) {
  const OneBlasThread one_thread;
  try {
    return solve();
  } catch (const std::runtime_error& error) {
    throw InternalError(std::string("symmetric_eigen: ") + error.what());
  }
}

// dsyevd's workspace of 1 + 6 n + 2 n^2 numbers is counted in 32 bits.
constexpr Index kMostRows = 32766;

}  // namespace

Eigen symmetric_eigen(const Matrix<double>& a) {
  if (a.shape(0) > kMostRows)
    throw UserError("the eigenvectors of a " + to_string(shape_of(a)) +
                    " matrix are more than LAPACK can find; " + std::to_string(kMostRows) +
                    " rows are the most");
  require_symmetric_input(a);
  const Index n = a.shape(0);
  if (n == 0) return {{}, make_matrix<double>(0, 0)};
  const auto eigen = on_one_thread([&] { return xt::linalg::eigh(a); });
  const auto& values = std::get<0>(eigen);
  const auto& vectors = std::get<1>(eigen);
  Eigen result{{values.begin(), values.end()}, make_matrix<double>(n, n)};
  for (Index k = 0; k < n; ++k)
    for (Index i = 0; i < n; ++i) result.vectors(k, i) = vectors(i, k);
  return result;
}

std::vector<double> symmetric_eigenvalues(const Matrix<double>& a) {
  require_symmetric_input(a);
  if (a.shape(0) == 0) return {};
  const auto values = on_one_thread([&] { return xt::linalg::eigvalsh(a); });
  return {values.begin(), values.end()};
}

}  // namespace ntape::linalg
