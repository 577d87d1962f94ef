#include <bitset>
#include <ntape/base/errors.hpp>
#include <ntape/limit/vanishing.hpp>

namespace ntape::limit {
namespace {

constexpr std::size_t kMost = 1000;
using Support = std::bitset<kMost + 1>;  // of a power series: where it has a term

Support product(const Support& a, const Support& b) {
  Support out;
  for (std::size_t i = 0; i <= kMost; ++i)
    if (a[i]) out |= b << i;
  return out;
}

// Of G(rho(t)), all coefficients being positive where they are not 0.
Support composed(const Support& g, const Support& rho, std::size_t degree) {
  Support outer = g, inner = rho, out;
  inner[0] = false;
  // Around a constant term every power has those below it.
  if (rho[0])
    for (std::size_t k = degree; k-- > 0;) outer[k] = outer[k] || outer[k + 1];
  for (std::size_t k = degree + 1; k-- > 0;) {
    out = product(inner, out);
    out[0] = out[0] || outer[k];
  }
  return out;
}

// Of its integral over rho, without the constant.
Support integral(const Support& composed, const Support& rho) {
  Support derivative = rho >> 1;
  return product(composed, derivative) << 1;
}

Support slope_support(const HiddenLayer& h, const SlopeSeries& series, std::size_t degree) {
  Support g;
  const std::size_t end = series.finite ? std::min(series.value.size(), degree + 1) : degree + 1;
  for (std::size_t k = 0; k < end; ++k) g[k] = !h.rule->slope_vanishes(k);
  return g;
}

}  // namespace

std::vector<bool> vanishing_coefficients(const Architecture& architecture, const Layers& layers,
                                         const std::vector<SlopeSeries>& slopes, std::size_t degree) {
  if (degree > kMost) throw InternalError("coefficients above degree 1000");
  const bool weights = architecture.weight_scale > 0, bias = architecture.bias_scale > 0;
  const auto affine = [&](bool factor, Support a, bool constant) {
    if (!factor) a.reset();
    a[0] = a[0] || constant;
    return a;
  };
  Support cosine;
  cosine[1] = true;
  Support sigma = affine(weights, cosine, bias);
  Support theta = affine(weights || layers.first.weight > 0, cosine, bias || layers.first.shift > 0);
  Support a, sum;
  bool mean = false;  // of the stream, which residual layers add to
  for (std::size_t l = 0; l < layers.hidden.size(); ++l) {
    const HiddenLayer& h = layers.hidden[l];
    const Support g = slope_support(h, slopes[l], degree);
    const Support slope = composed(g, sigma, degree);
    Support value = integral(slope, sigma), part = product(slope, theta);
    const bool own = h.rule->parity() != Parity::odd;
    value[0] = own || sigma[0];
    if (h.residual) {
      part |= sum;
      value |= a;
      value[0] = value[0] || (own && mean);
    }
    mean = own || (h.residual && mean);
    sum = part;
    a = value;
    sigma = affine(weights, a, bias);
    theta =
        affine(weights, sum, false) | affine(weights || h.factors.weight > 0, a, bias || h.factors.shift > 0);
  }
  std::vector<bool> vanishing(degree + 1);
  for (std::size_t k = 0; k <= degree; ++k) vanishing[k] = !theta[k];
  return vanishing;
}

}  // namespace ntape::limit
