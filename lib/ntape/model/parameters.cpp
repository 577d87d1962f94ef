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

namespace {

template <class Real>
void require_same_shapes(const char* who, const Parameters<Real>& a, const Parameters<Real>& b) {
  if (a.entries.size() != b.entries.size())
    throw ShapeError(std::string(who) + ": " + std::to_string(a.entries.size()) + " parameter matrices and " +
                     std::to_string(b.entries.size()));
  for (Index e = 0; e < a.entries.size(); ++e) {
    const Shape x = shape_of(a.entries[e].value), y = shape_of(b.entries[e].value);
    if (x != y)
      throw ShapeError(std::string(who) + ": " + a.entries[e].name + " is " + to_string(x) + " and " +
                       to_string(y));
  }
}

template <class Real, class Wanted>
std::vector<char> select(const Parameters<Real>& theta, Wanted&& wanted) {
  std::vector<char> flags;
  for (const auto& entry : theta.entries) flags.push_back(wanted(entry));
  return flags;
}

}  // namespace

template <class Real>
std::vector<char> select_layer(const Parameters<Real>& theta, Index layer) {
  return select(theta, [&](const auto& entry) { return entry.layer == layer; });
}

template <class Real>
std::vector<char> select_weights(const Parameters<Real>& theta) {
  return select(theta, [](const auto& entry) { return entry.name.starts_with('W'); });
}

template <class Real>
std::vector<char> select_biases(const Parameters<Real>& theta) {
  return select(theta, [](const auto& entry) { return entry.name.starts_with('b'); });
}

template <class Real>
Parameters<Real> zeros_like(const Parameters<Real>& theta) {
  Parameters<Real> result = theta;
  for (auto& entry : result.entries) entry.value.fill(Real(0));
  return result;
}

template <class Real>
void add_scaled(Parameters<Real>& y, double factor, const Parameters<Real>& x) {
  require_same_shapes("add_scaled", y, x);
  const Real scale = static_cast<Real>(factor);
  for (Index e = 0; e < y.entries.size(); ++e)
    for (Index k = 0; k < y.entries[e].value.size(); ++k)
      y.entries[e].value.data()[k] += scale * x.entries[e].value.data()[k];
}

template <class Real>
double dot(const Parameters<Real>& a, const Parameters<Real>& b) {
  require_same_shapes("dot", a, b);
  double sum = 0;
  for (Index e = 0; e < a.entries.size(); ++e)
    for (Index k = 0; k < a.entries[e].value.size(); ++k)
      sum += static_cast<double>(a.entries[e].value.data()[k]) *
             static_cast<double>(b.entries[e].value.data()[k]);
  return sum;
}

template <class Real>
Parameters<Dual<Real>> along(const Parameters<Real>& theta, const Parameters<Real>& direction) {
  require_same_shapes("along", theta, direction);
  Parameters<Dual<Real>> result;
  for (Index e = 0; e < theta.entries.size(); ++e) {
    const auto& entry = theta.entries[e];
    result.entries.push_back({entry.name, entry.layer, with_slope(entry.value, direction.entries[e].value)});
  }
  return result;
}

template <class Real>
double distance(const Parameters<Real>& a, const Parameters<Real>& b) {
  require_same_shapes("distance", a, b);
  double sum = 0;
  for (Index e = 0; e < a.entries.size(); ++e) {
    const auto& x = a.entries[e].value;
    const auto& y = b.entries[e].value;
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

#define NTAPE_INSTANTIATE_ANY(Real)                                        \
  template struct Parameters<Real>;                                        \
  template std::vector<char> select_layer(const Parameters<Real>&, Index); \
  template std::vector<char> select_weights(const Parameters<Real>&);      \
  template std::vector<char> select_biases(const Parameters<Real>&);       \
  template Parameters<Real> zeros_like(const Parameters<Real>&);
#define NTAPE_INSTANTIATE(Real)                                                            \
  NTAPE_INSTANTIATE_ANY(Real)                                                              \
  NTAPE_INSTANTIATE_ANY(Dual<Real>)                                                        \
  template void add_scaled(Parameters<Real>&, double, const Parameters<Real>&);            \
  template double dot(const Parameters<Real>&, const Parameters<Real>&);                   \
  template Parameters<Dual<Real>> along(const Parameters<Real>&, const Parameters<Real>&); \
  template double distance(const Parameters<Real>&, const Parameters<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
#undef NTAPE_INSTANTIATE
#undef NTAPE_INSTANTIATE_ANY

}  // namespace ntape
