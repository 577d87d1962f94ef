#include "support/limit_oracle.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace ntape::test {
namespace {

// A first approximation in long double, then Newton's steps, or Taylor's series: terms fall below 1e-35.
Quad root(Quad x) {
  if (!(x > 0)) return 0;
  Quad y = std::sqrt(static_cast<long double>(x));
  for (int k = 0; k < 2; ++k) y = (y + x / y) / 2;
  return y;
}

struct Turn {
  Quad sine, cosine;
};
Turn turn(Quad a) {
  Quad term = 1;
  Turn t{0, 0};
  for (int k = 0; k < 48; term *= a / ++k) {
    Quad& sum = k % 2 ? t.sine : t.cosine;
    sum += k % 4 < 2 ? term : -term;
  }
  return t;
}

Quad atan2(Quad y, Quad x) {
  if (y == 0 && x >= 0) return 0;
  const Quad a = std::atan2(static_cast<long double>(y), static_cast<long double>(x));
  const Turn t = turn(a);
  return a + (y * t.cosine - x * t.sine) / root(x * x + y * y);
}

const Quad pi = atan2(0, -1);

Quad exponential(Quad x) {
  int halves = 0;
  for (; x > 0.5 || x < -0.5; ++halves) x /= 2;
  Quad sum = 0, term = 1;
  for (int k = 0; k < 30; term *= x / ++k) sum += term;
  for (; halves > 0; --halves) sum *= sum;
  return sum;
}

struct Layer {
  Quad value, slope;
};

Layer relu(Quad p, Quad c, Quad q) {
  const Quad sine = root(p * q - c * c), rest = pi - atan2(sine, c);
  return {(sine + rest * c) / (2 * pi), rest / (2 * pi)};
}

Layer dual(const std::string& name, Quad p, Quad c, Quad q) {
  const Quad d = (1 + 2 * p) * (1 + 2 * q) - 4 * c * c;
  if (name == "relu") return relu(p, c, q);
  if (name == "abs") {
    const Layer k = relu(p, c, q);
    return {4 * k.value - c, 4 * k.slope - 1};
  }
  if (name == "erf") {
    const Quad a = atan2(2 * (c < 0 ? -c : c), root(d));
    return {2 / pi * (c < 0 ? -a : a), 4 / pi / root(d)};
  }
  if (name == "sin") {
    const Quad damp = exponential(-(p + q) / 2), up = exponential(c), down = 1 / up;
    // c itself where exponentials differ by less than their digits
    const Quad sine = c < 1e-9 && c > -1e-9 ? c + c * c * c / 6 : (up - down) / 2;
    return {damp * sine, damp * (up + down) / 2};
  }
  if (name == "gaussian") return {1 / root(d), 4 * c / (d * root(d))};
  throw std::invalid_argument(name);
}

Quad mean(const std::string& name, Quad p) {
  if (name == "relu") return root(p / (2 * pi));
  if (name == "abs") return root(2 * p / pi);
  if (name == "gaussian") return 1 / root(1 + 2 * p);
  return 0;
}

Quad dot(const double* x, const double* y, Index n) {
  Quad sum = 0;
  for (Index k = 0; k < n; ++k) sum += Quad(x[k]) * Quad(y[k]);
  return sum / Quad(n);
}

// Of two inputs: both variances, and what is between them.
struct Three {
  Quad p, c, q;
};

}  // namespace

OracleEntry limit_oracle(const Architecture& a, const double* x, const double* y) {
  const Index n = a.widths[0];
  const Quad w = Quad(a.weight_scale) * Quad(a.weight_scale), b = Quad(a.bias_scale) * Quad(a.bias_scale);
  Three s{w * dot(x, x, n) + b, w * dot(x, y, n) + b, w * dot(y, y, n) + b}, sum{0, 0, 0};
  Quad theta = s.c, of_slopes = 0, m = 0, m2 = 0;
  for (Index l = 1; l < a.depth(); ++l) {
    const std::string& name = a.activation_of(l);
    const Quad e = a.layer_norm ? Quad(1e-5) : Quad(0);
    const Quad over_p = a.layer_norm ? s.p + e : Quad(1), over_q = a.layer_norm ? s.q + e : Quad(1);
    const Quad over = root(over_p) * root(over_q), p = s.p / over_p, c = s.c / over, q = s.q / over_q;
    const Quad mu = mean(name, p), mu2 = mean(name, q);
    if (!a.adds_previous(l)) {
      sum = {0, 0, 0};
      of_slopes = m = m2 = 0;
    }
    const Layer k = dual(name, p, c, q);
    sum.p += dual(name, p, p, p).value + 2 * m * mu;
    sum.q += dual(name, q, q, q).value + 2 * m2 * mu2;
    sum.c += k.value + m * mu2 + mu * m2;
    of_slopes += k.slope / over * theta;
    m += mu;
    m2 += mu2;
    s = {w * sum.p + b, w * sum.c + b, w * sum.q + b};
    theta = w * of_slopes + s.c;
  }
  return {theta, s.c};
}

}  // namespace ntape::test
