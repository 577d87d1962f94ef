#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/model/network.hpp>

namespace ntape {

template <class Real>
std::vector<Index> entries_of(const Tape<Real>& tape, const Parameters<Real>& theta) {
  std::vector<Index> entries;
  for (const Var p : tape.parameters()) {
    const auto at = std::find_if(theta.entries.begin(), theta.entries.end(),
                                 [&](const auto& entry) { return &entry.value == &tape.value(p); });
    if (at == theta.entries.end())
      throw UserError("parameter %" + std::to_string(p.index) +
                      " of the tape is not an entry of theta; record it from theta, or as a constant");
    entries.push_back(static_cast<Index>(at - theta.entries.begin()));
  }
  return entries;
}

#define NTAPE_INSTANTIATE(Real) \
  template std::vector<Index> entries_of(const Tape<Real>&, const Parameters<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
