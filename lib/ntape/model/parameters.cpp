#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/model/parameters.hpp>

namespace ntape {

template <class Real>
Index Parameters<Real>::count() const {
  Index total = 0;
  for (const Entry& e : entries) total += e.value.size();
  return total;
}

template <class Real>
std::vector<Index> Parameters<Real>::layers() const {
  std::vector<Index> result;
  for (const Entry& e : entries) result.push_back(e.layer);
  return result;
}

template <class Real>
double distance(const Parameters<Real>& a, const Parameters<Real>& b) {
  if (a.entries.size() != b.entries.size()) throw ShapeError("distance: different numbers of parameters");
  double sum = 0;
  for (Index e = 0; e < a.entries.size(); ++e) {
    const auto& x = a.entries[e].value;
    const auto& y = b.entries[e].value;
    if (shape_of(x) != shape_of(y))
      throw ShapeError("distance: " + a.entries[e].name + " is " + to_string(shape_of(x)) + " and " +
                       to_string(shape_of(y)));
    // Eight running sums: a fixed order that still vectorizes.
    double partial[8] = {};
    for (Index k = 0; k < x.size(); ++k) {
      const double d = static_cast<double>(x.data()[k]) - static_cast<double>(y.data()[k]);
      partial[k % 8] += d * d;
    }
    for (const double p : partial) sum += p;
  }
  return std::sqrt(sum);
}

template struct Parameters<float>;
template struct Parameters<double>;
template struct Parameters<Dual<float>>;
template struct Parameters<Dual<double>>;
template double distance(const Parameters<float>&, const Parameters<float>&);
template double distance(const Parameters<double>&, const Parameters<double>&);

}  // namespace ntape
