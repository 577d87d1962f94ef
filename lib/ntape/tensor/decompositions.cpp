#include <cmath>
#include <exception>
#include <ntape/base/errors.hpp>
#include <ntape/tensor/linalg.hpp>
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

// LAPACK's blocked routines give other bits on other thread counts; inside a parallel region OpenBLAS keeps
// to the calling thread, so one member of a team does the work.
template <class Body>
void on_one_thread(Body&& body) {
  std::exception_ptr failure;
#pragma omp parallel
#pragma omp single
  {
    try {
      body();
    } catch (...) {
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

Eigen symmetric_eigen(const Matrix<double>& a) {
  require_symmetric_input(a);
  const Index n = a.shape(0);
  Eigen result;
  result.vectors = make_matrix<double>(n, n);
  if (n == 0) return result;
  on_one_thread([&] {
    const auto eigen = xt::linalg::eigh(a);
    const auto& values = std::get<0>(eigen);
    const auto& vectors = std::get<1>(eigen);
    result.values.assign(values.begin(), values.end());
    for (Index k = 0; k < n; ++k)
      for (Index i = 0; i < n; ++i) result.vectors(k, i) = vectors(i, k);
  });
  return result;
}

std::vector<double> symmetric_eigenvalues(const Matrix<double>& a) {
  require_symmetric_input(a);
  std::vector<double> result;
  if (a.shape(0) == 0) return result;
  on_one_thread([&] {
    const auto values = xt::linalg::eigvalsh(a);
    result.assign(values.begin(), values.end());
  });
  return result;
}

}  // namespace ntape::linalg
