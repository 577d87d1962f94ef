#include <algorithm>
#include <ntape/tape/sweep.hpp>
#include <ntape/train/gradient.hpp>

namespace ntape {

template <class Real>
Parameters<Real> gradient_of(const Tape<Real>& tape, Var output, const Parameters<Real>& theta,
                             const Matrix<Real>& y, const std::string& objective_name) {
  const std::vector<Index> entries = entries_of(tape, theta);
  const Matrix<Real>& f = tape.value(output);
  Stack<Real> cotangent = make_stack<Real>(1, f.shape(0), f.shape(1));
  objective<Real>(objective_name)->cotangent(f, y, cotangent);
  const auto pulled = pullback(tape, output, cotangent);
  Parameters<Real> result = zeros_like(theta);
  for (Index k = 0; k < entries.size(); ++k)
    std::copy(pulled[k].begin(), pulled[k].end(), result.entries[entries[k]].value.begin());
  return result;
}

#define NTAPE_INSTANTIATE(Real)                                                          \
  template Parameters<Real> gradient_of(const Tape<Real>&, Var, const Parameters<Real>&, \
                                        const Matrix<Real>&, const std::string&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
