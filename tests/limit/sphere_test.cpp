#include <doctest/doctest.h>

#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/limit/sphere.hpp>
#include <ntape/tensor/linalg.hpp>
#include <numbers>

namespace limit_sphere_test {

using namespace ntape;

namespace {

constexpr double kPi = std::numbers::pi;

Architecture network(const std::string& activation, Index depth, double bias, Index inputs = 2) {
  return {.widths = equal_widths(inputs, 1, 1, depth), .activation = activation, .bias_scale = bias};
}

}  // namespace

// relu, L = 2, beta = 0 on the unit circle: mu_1 = 1/8, mu_k = (k^2 + 3) / (2 pi^2 (k^2 - 1)^2) for even k, 0
// for odd k >= 3.
TEST_CASE("the spectrum of relu on the circle is what is known exactly, within its bound") {
  const SphereSpectrum s = sphere_spectrum(network("relu", 2, 0), 2, 200, 0.5);
  REQUIRE(s.value.size() == 201);
  for (Index k = 0; k <= 200; ++k) {
    const double n = static_cast<double>(k * k);
    const double exact = k == 1 ? .125 : k % 2 ? 0 : (n + 3) / (2 * kPi * kPi * (n - 1) * (n - 1));
    CAPTURE(k);
    CHECK(std::abs(s.value[k] - exact) <= s.bound[k]);
    CHECK(s.bound[k] < 1e-13);
    CHECK(s.multiplicity[k] == (k == 0 ? 1 : 2));
  }
  // the harmonics that are left out add up to some 1 / (2 pi^2 200)
  CHECK(std::abs(s.kappa_one - .5) < 1e-15);
  CHECK(s.kappa_one - s.sum > 0);
  CHECK(s.kappa_one - s.sum < 1 / (kPi * kPi * 200));
}

// Against Gauss-Legendre in t = cos th on the whole interval, right for smooth kernels: another variable,
// another rule, kernels by way of points. The mass at low degrees is all there is: sum_k N mu_k = kappa(1).
TEST_CASE("the spectrum of a smooth kernel in three and seven dimensions") {
  using Rule = boost::math::quadrature::gauss<double, 60>;
  for (const Index d : {3, 7}) {
    const Architecture a = network("erf", 3, .4, d);
    const SphereSpectrum s = sphere_spectrum(a, d, 60, 1 / static_cast<double>(d));
    CHECK(std::abs(s.sum - s.kappa_one) < 1e-12);
    for (Index k = 0; k <= 6; ++k) {
      double sum = 0, total = 0;
      for (std::size_t j = 0; j < Rule::abscissa().size(); ++j)
        for (const double sign : {-1., 1.}) {
          const double t = sign * Rule::abscissa()[j];
          Matrix<double> x = zeros<double>(2, d);
          x(0, 0) = 1;
          x(1, 0) = t;
          x(1, 1) = std::sqrt(1 - t * t);
          double before = 0, p = 1;
          const double e = static_cast<double>(d);
          for (Index n = 0; n < k; ++n) {
            const double m = static_cast<double>(n);
            const double next = n == 0 ? t : ((2 * m + e - 2) * t * p - m * before) / (m + e - 2);
            before = p;
            p = next;
          }
          const double weight = Rule::weights()[j] * std::pow(1 - t * t, (e - 3) / 2);
          sum += weight * p * limit_ntk(a, x).values(0, 1);
          total += weight;
        }
      CAPTURE(d);
      CAPTURE(k);
      // arccosines near t = +-1 cost the points 1e-12 or so
      CHECK(std::abs(s.value[k] - sum / total) < 1e-12);
    }
    CHECK(s.multiplicity[2] == (d == 3 ? 5 : 27));
  }
}

// Without a hidden layer the kernel is sigma_w^2 t + beta^2, so mu_0 = beta^2, mu_1 = sigma_w^2 / d, and no
// more.
TEST_CASE("the spectrum keeps its digits, within its bound, up to dimension 10000") {
  for (const double slope : {0., 1.})
    for (const Index d : {2, 3, 4, 10, 17, 100, 1001, 10000})
      for (const Index degrees : {5, 60}) {
        Architecture a = network("relu", 1, 1, d);
        a.weight_scale = slope;
        const SphereSpectrum s = sphere_spectrum(a, d, degrees);
        CAPTURE(slope);
        CAPTURE(d);
        CAPTURE(degrees);
        double worst = 0;
        for (Index k = 0; k <= degrees; ++k) {
          const double exact = k == 0 ? 1 : k == 1 ? slope / static_cast<double>(d) : 0;
          worst = std::max(worst, std::abs(s.value[k] - exact) / s.bound[k]);
        }
        CHECK(worst <= 1);
        CHECK(s.bound[0] < 1e-12);
        CHECK(s.kappa_one == 1 + slope);
        CHECK(std::abs(s.sum - s.kappa_one) <= s.sum_bound + 4e-16);
        CHECK(s.sum_bound < 1e-9);
      }
}

// Degrees in the noise have up to 1e300 harmonics and more: they count for nothing.
TEST_CASE("eigenvalues add up to no more than the kernel at equal inputs, in any dimension") {
  for (const Index d : {3, 30, 100, 200, 3000})
    for (const std::string name : {"relu", "erf"}) {
      const SphereSpectrum s = sphere_spectrum(network(name, 3, .1, d), d, 200);
      CAPTURE(d);
      CAPTURE(name);
      CHECK(std::isfinite(s.sum));
      CHECK(std::isfinite(s.sum_bound));
      CHECK(s.sum > .5 * s.kappa_one);
      CHECK(s.sum <= s.kappa_one + s.sum_bound);
    }
}

// N equally spaced points: the Gram matrix over N is circulant with eigenvalues sum_m mu_{|j + m N|}.
TEST_CASE("equally spaced points on the circle alias the spectrum") {
  constexpr Index n = 16;
  const Architecture a = network("erf", 3, .3);
  const SphereSpectrum s = sphere_spectrum(a, 2, 100, 0.5);
  Matrix<double> x = make_matrix<double>(n, 2);
  for (Index i = 0; i < n; ++i) {
    x(i, 0) = std::cos(2 * kPi * static_cast<double>(i) / n);
    x(i, 1) = std::sin(2 * kPi * static_cast<double>(i) / n);
  }
  Matrix<double> gram = limit_ntk(a, x).values;
  gram /= static_cast<double>(n);
  std::vector<double> expected;
  for (int j = 0; j < static_cast<int>(n); ++j) {
    double sum = 0;
    for (int m = -7; m <= 7; ++m) {
      const auto k = static_cast<Index>(std::abs(j + m * static_cast<int>(n)));
      if (k < s.value.size()) sum += s.value[k];
    }
    expected.push_back(sum);
  }
  std::sort(expected.begin(), expected.end());
  const std::vector<double> eigenvalues = linalg::symmetric_eigenvalues(gram);
  for (Index j = 0; j < n; ++j) CHECK(std::abs(eigenvalues[j] - expected[j]) < 1e-14);
}

// relu without bias at L = 2 has no odd harmonics from 3 on; x^2 has a kernel of degree 2 and rank 1 + .. +
// N(d,2).
TEST_CASE("positivity is claimed as far as it is shown") {
  const Positivity relu = positivity(sphere_spectrum(network("relu", 2, 0), 2, 60));
  REQUIRE(relu.proved);
  CHECK(*relu.proved == 2);
  REQUIRE(relu.undecided.size() == 29);
  for (Index k = 0; k < 29; ++k) CHECK(relu.undecided[k] == 2 * k + 3);
  const Positivity biased = positivity(sphere_spectrum(network("relu", 2, .1), 3, 60));
  CHECK(*biased.proved == 60);
  CHECK(biased.undecided.empty());
  const Positivity square = positivity(sphere_spectrum(network("square", 2, .1), 3, 20));
  CHECK(square.positive == std::vector<Index>{0, 1, 2});

  CHECK(positive_by_theorem(network("tanh", 2, .1)));
  CHECK(!positive_by_theorem(network("tanh", 2, 0)));
  CHECK(!positive_by_theorem(network("tanh", 1, .1)));
  CHECK(!positive_by_theorem(network("square", 3, .1)));
  // a line and a polynomial in any spelling; functions that are not Lipschitz; those of which only a name is
  // known
  for (const std::string name :
       {"leaky_relu(1)", "leaky_relu(1.0)", "leaky_relu(1e0)", "identity", "hermite(3)", "monomial(2)",
        "polynomial(1,2)", "exp", "sign", "rectified_power(0)", "rectified_power(2)", "mine"}) {
    CAPTURE(name);
    CHECK(!positive_by_theorem(network(name, 3, .1)));
  }
  for (const std::string name :
       {"relu", "leaky_relu(0.5)", "leaky_relu(-1)", "abs", "gelu", "sin", "rbf(2)", "elu"}) {
    CAPTURE(name);
    CHECK(positive_by_theorem(network(name, 3, .1)));
  }
  const limit::Dual line(limit::Function{[](double x) { return x; }, [](double) { return 1.0; }});
  CHECK(!positive_by_theorem(network("tanh", 3, .1), {{"tanh", line}}));
  Architecture residual = network("tanh", 3, .1);
  residual.residual = true;
  CHECK(!positive_by_theorem(residual));
}

// The paper's rate for relu with bias: mu_k ~ k^-d.
TEST_CASE("relu's eigenvalues decay like k^-d") {
  for (const Index d : {2, 3, 4}) {
    const SphereSpectrum s = sphere_spectrum(network("relu", 3, .5), d, 200);
    CAPTURE(d);
    const Decay decay = decay_exponent(s);
    CHECK(std::abs(decay.exponent + static_cast<double>(d)) < .1);
    CHECK(decay.error < .01);
    CHECK(decay.first == 50);
    CHECK(decay.last == 200);
  }
  CHECK_THROWS_AS((void)decay_exponent(sphere_spectrum(network("erf", 2, .5), 2, 100), 60, 100), UserError);
}

TEST_CASE("what falls faster than a power is told from what falls like one") {
  for (const Index d : {2, 3, 10}) {
    CAPTURE(d);
    CHECK(!decay_exponent(sphere_spectrum(network("relu", 3, .5), d, 200)).steepening);
    for (const char* name : {"erf", "tanh", "gaussian", "exp"}) {
      CAPTURE(name);
      const Decay decay = decay_exponent(sphere_spectrum(network(name, 2, .1), d, 200));
      CHECK(decay.steepening);
      CHECK(*decay.at_last < decay.exponent);
      CHECK(decay.exponent < *decay.at_first);
    }
  }
}

TEST_CASE("a kernel that overflows is refused") {
  CHECK_THROWS_WITH_AS(
      (void)sphere_spectrum(network("exp", 8, .1), 3, 3, 10),
      "the limit NTK of inputs with |x|^2 / n_0 = 10 overflows; smaller inputs, smaller scales "
      "or fewer layers are needed",
      UserError);
}

// y = 2 x + (0, e, -e, 0) at x = 0, 1, 2, 3 times log 2: sxx = 5 log^2 2, and e log 2 of sxy is off.
TEST_CASE("an exponent of decay has the standard error of least squares") {
  const double e = .1, step = std::log(2.);
  SphereSpectrum s;
  s.value.assign(9, -1.);
  s.bound.assign(9, 1e-9);
  const double off[4] = {0, e, -e, 0};
  for (int n = 0; n < 4; ++n) s.value[Index{1} << n] = std::exp(2 * n * step + off[n]);
  const double sxx = 5 * step * step, slope = 2 - e * step / sxx,
               rest = 2 * e * e - e * e * step * step / sxx;
  const Decay decay = decay_exponent(s, 0, 100);
  CHECK(decay.exponent == doctest::Approx(slope));
  CHECK(decay.error == doctest::Approx(std::sqrt(rest / 2 / sxx)));
  CHECK(decay.first == 1);
  CHECK(decay.last == 8);
  // A parabola 3 x^2 + 2 x, exactly.
  for (Index k = 1; k < 9; ++k) {
    const double x = std::log(static_cast<double>(k));
    s.value[k] = std::exp(-3 * x * x + 2 * x);
  }
  const Decay bent = decay_exponent(s, 0, 100);
  CHECK(bent.at_first == doctest::Approx(2));
  CHECK(bent.at_last == doctest::Approx(2 - 6 * std::log(8.)));
  CHECK(bent.steepening);
}

TEST_CASE("the curve over the angle is the kernel of points, and keeps digits where cosines have none") {
  const Architecture a = network("relu", 4, .1);
  const AngleCurve curve = angle_curve(a, .5, {0, kPi / 2, kPi, 1e-9});
  // figure 1 of Jacot et al., four to six digits known
  CHECK(std::abs(curve.value[0] - .2825) < 5e-5);
  CHECK(std::abs(curve.value[1] - .0927021) < 5e-8);
  CHECK(std::abs(curve.value[2] - .0643538) < 5e-8);
  CHECK(curve.value[0] - curve.value[3] > 1e-11);  // a cusp: of first order in the angle
  CHECK(curve.value[0] - curve.value[3] < 1e-9);
  CHECK_THROWS_AS((void)angle_curve(a, .5, {4}), UserError);
  CHECK_THROWS_AS((void)angle_curve(a, 0, {1}), UserError);
  CHECK_THROWS_AS((void)sphere_spectrum(a, 1), UserError);
  CHECK_THROWS_AS((void)sphere_spectrum(a, 3, 3000), UserError);
}

}  // namespace limit_sphere_test
