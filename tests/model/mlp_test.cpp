#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/model/mlp.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace model_mlp_test {

using namespace ntape;
using test::normal;

namespace {

// z^{l+1} = (sigma_w / sqrt(n_l)) W^l alpha^l + beta b^l, literally.
Matrix<double> by_hand(const Architecture& a, const Parameters<double>& theta, Matrix<double> alpha) {
  for (Index l = 0; l < a.depth(); ++l) {
    const auto& w = theta.entries[2 * l].value;
    const auto& b = theta.entries[2 * l + 1].value;
    Matrix<double> z = make_matrix<double>(alpha.shape(0), a.widths[l + 1]);
    for (Index n = 0; n < z.shape(0); ++n)
      for (Index o = 0; o < z.shape(1); ++o) {
        double sum = 0;
        for (Index i = 0; i < a.widths[l]; ++i) sum += w(o, i) * alpha(n, i);
        z(n, o) = a.weight_scale / std::sqrt(static_cast<double>(a.widths[l])) * sum + a.bias_scale * b(0, o);
        if (l + 1 < a.depth()) z(n, o) = std::tanh(z(n, o));
      }
    alpha = z;
  }
  return alpha;
}

}  // namespace

TEST_CASE("the network is the NTK parametrization, literally") {
  const Architecture a{.widths = {3, 7, 5, 2}, .activation = "tanh", .weight_scale = 1.4, .bias_scale = .3};
  const Mlp<double> model(a);
  const auto theta = model.initialize(Seed{4});
  const auto x = normal<double>(6, 3, 1);
  // Sums of at most 7 products of order 1 in another order.
  CHECK(test::largest_difference(evaluate(model, theta, x), by_hand(a, theta, x)) < 1e-14);
}

TEST_CASE("parameter i of seed s is a pure function of s and i") {
  const Mlp<double> model({.widths = {3, 7, 5, 2}});
  const auto theta = model.initialize(Seed{4});
  CHECK(theta.count() == model.architecture().parameter_count());
  std::vector<double> sequence(theta.count());
  fill_normal<double>(Seed{4}, 0, 0, sequence);
  Index i = 0;
  for (const auto& entry : theta.entries)
    for (const double v : entry.value) CHECK(v == sequence[i++]);
  CHECK(distance(theta, model.initialize(Seed{4})) == 0);
  // Independent normals: |a - b|^2 / 2 is chi-squared with P = 75 degrees of freedom, sd sqrt(2 P).
  const double p = static_cast<double>(theta.count()), d = distance(theta, model.initialize(Seed{5}));
  CHECK(std::abs(d * d / 2 - p) < 5 * std::sqrt(2 * p));
}

TEST_CASE("a float network is the rounded double one") {
  const Architecture a{.widths = {3, 7, 2}};
  const auto wide = Mlp<double>(a).initialize(Seed{4});
  const auto narrow = Mlp<float>(a).initialize(Seed{4});
  for (Index e = 0; e < wide.entries.size(); ++e)
    for (Index k = 0; k < wide.entries[e].value.size(); ++k)
      CHECK(narrow.entries[e].value.data()[k] == static_cast<float>(wide.entries[e].value.data()[k]));
}

TEST_CASE("P = sum_l (n_l + 1) n_{l+1}") {
  CHECK(Architecture{.widths = {3, 7, 5, 2}}.parameter_count() == 4 * 7 + 8 * 5 + 6 * 2);
  CHECK(equal_widths(3, 7, 2, 4) == std::vector<Index>{3, 7, 7, 7, 2});
  CHECK(equal_widths(3, 7, 2, 1) == std::vector<Index>{3, 2});
}

TEST_CASE("impossible networks are refused") {
  const auto refused = [](Architecture a) {
    return test::message_of<UserError>([&] { (void)Mlp<double>(std::move(a)); });
  };
  CHECK(test::contains(refused({.widths = {3}}), "given 1"));
  CHECK(test::contains(refused({.widths = {3, 0, 1}}), "layer 1"));
  CHECK(test::contains(refused({.widths = {3, 1}, .activation = "cosh"}), "'cosh'"));
  CHECK_FALSE(refused({.widths = {3, 1}, .weight_scale = -1}).empty());
  CHECK_FALSE(refused({.widths = {3, 1}, .bias_scale = std::numeric_limits<double>::infinity()}).empty());
  CHECK_THROWS_AS((void)equal_widths(3, 7, 2, 0), UserError);
}

TEST_CASE("parameters of another shape are refused by name") {
  const Mlp<double> model({.widths = {3, 7, 2}});
  auto theta = Mlp<double>({.widths = {3, 8, 2}}).initialize(Seed{1});
  const auto x = normal<double>(2, 3, 1);
  const auto message = test::message_of<ShapeError>([&] { (void)evaluate(model, theta, x); });
  CHECK(test::contains(message, "W0 is 8 x 3"));
  CHECK(test::contains(message, "7 x 3"));
  theta.entries.pop_back();
  CHECK_THROWS_AS((void)evaluate(model, theta, x), ShapeError);
  CHECK_THROWS_AS((void)distance(theta, model.initialize(Seed{1})), ShapeError);
  CHECK_THROWS_AS((void)evaluate(model, model.initialize(Seed{1}), normal<double>(2, 4, 1)), ShapeError);
}

}  // namespace model_mlp_test
