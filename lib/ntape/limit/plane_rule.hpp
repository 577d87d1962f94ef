#pragma once

#include <ntape/limit/moments.hpp>
#include <utility>

namespace ntape::limit {

/// s smoothed by a normal: E[s(m + t w)] and E[s'(m + t w)], w ~ N(0, 1).
using Blur = std::function<std::pair<double, double>(double m, double t)>;

/// The dual as an integral over the plane, u = sqrt(p) z, v = sqrt(q) (rho z + sqrt(1 - rho^2) w), by nested
/// rules whose edges lie on the kinks of s(u), of s(v), and on the lines u = 0 and v = 0: right at any
/// variance and next to |rho| = 1. The spacing is halved until the bound is below tolerance times E|s s| (and
/// E|s' s'|), or three times. With a blur the inner integral is in closed form. Cost: some ms, with a blur
/// some 10 us.
[[nodiscard]] DualValue plane_dual(const Function& s, const Blur& blur, const Moments& p, const Moments& q,
                                   const Covariance& covariance, double tolerance);

}  // namespace ntape::limit
