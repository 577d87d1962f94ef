#include <doctest/doctest.h>
#include <omp.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/dense.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/kernel/route_cost.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/arithmetic.hpp>
#include <ntape/ops/columns.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/matmul.hpp>
#include <ntape/tensor/linalg.hpp>
#include <sstream>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace kernel_network_kernel_test {

using namespace ntape;
using test::largest;
using test::largest_difference;
using test::normal;

namespace {

// f = s(s(x V^T + c) W^T + b) W^T + b: a weight and a bias used twice, C = 3. Generic, so that it also
// records dual numbers.
const auto tied = [](auto& tape, const auto& theta, Var x) {
  using Real = std::remove_cvref_t<decltype(theta.entries[0].value(0, 0))>;
  std::vector<Var> p;
  for (const auto& entry : theta.entries) p.push_back(tape.parameter(entry.value));
  Var h = activation(tape, "tanh", affine(tape, x, p[0], p[1]));
  h = activation(tape, "erf", affine(tape, h, p[2], p[3], Real(0.7), Real(0.4)));
  return affine(tape, h, p[2], p[3], Real(0.5), Real(0.3));
};

Parameters<double> tied_parameters(std::uint64_t stream = 0) {
  return {{{"W0", 0, normal<double>(3, 2, stream + 1)},
           {"b0", 0, normal<double>(1, 3, stream + 2)},
           {"W1", 1, normal<double>(3, 3, stream + 3)},
           {"b1", 1, normal<double>(1, 3, stream + 4)}}};
}

Matrix<double> dense_of(const Parameters<double>& theta, const Matrix<double>& x) {
  Tape<double> tape;
  const Var input = tape.input(x);
  return dense_jacobian(per_example_jacobian(tape, tied(tape, theta, input)));
}

constexpr Route kRoutes[] = {Route::automatic, Route::factored, Route::dense, Route::products};
constexpr KernelForm kForms[] = {KernelForm::full, KernelForm::diagonal, KernelForm::trace};

}  // namespace

// Sums of 21 products per entry, in different orders.
TEST_CASE("all routes give one kernel, in every form, square and cross, with shares that sum to it") {
  const auto theta = tied_parameters();
  const auto x = normal<double>(5, 2, 7), z = normal<double>(4, 2, 8);
  for (const KernelForm form : kForms)
    for (const auto* other : {&x, &z}) {
      const auto reference =
          empirical_ntk(tied, theta, x, *other, KernelOptions<double>{.form = form, .route = Route::dense})
              .values;
      for (const Route route : kRoutes) {
        CAPTURE(name_of(route));
        const auto k =
            network_kernel(tied, theta, x, *other, KernelOptions<double>{.form = form, .route = route});
        CHECK(largest_difference(k.kernel.values, reference) < 1e-14 * 21 * largest(reference));
        REQUIRE(k.layers.size() == 2);
        auto sum = k.layers[0].values;
        sum += k.layers[1].values;
        CHECK(largest_difference(sum, k.kernel.values) < 1e-15 * largest(reference));
      }
    }
  const auto rows = dense_of(theta, x);
  CHECK(largest_difference(empirical_ntk(tied, theta, x).values, linalg::gram(linalg::view(rows))) <
        1e-14 * 21 * largest(rows) * largest(rows));
}

TEST_CASE("selected parameters give the Gram of their columns, by every route") {
  const auto theta = tied_parameters();
  const auto x = normal<double>(5, 2, 7);
  const auto rows = dense_of(theta, x);
  const struct {
    std::vector<char> flags;
    std::vector<std::pair<Index, Index>> columns;
  } selections[] = {{select_layer(theta, 1), {{9, 21}}},
                    {select_weights(theta), {{0, 6}, {9, 18}}},
                    {select_biases(theta), {{6, 9}, {18, 21}}}};
  for (const auto& [flags, columns] : selections) {
    Matrix<double> kept = zeros<double>(rows.shape(0), rows.shape(1));
    for (const auto& [first, last] : columns)
      for (Index r = 0; r < rows.shape(0); ++r)
        std::copy(row(rows, r) + first, row(rows, r) + last, row(kept, r) + first);
    const auto expected = linalg::gram(linalg::view(kept));
    for (const Route route : kRoutes) {
      CAPTURE(name_of(route));
      const auto k = empirical_ntk(tied, theta, x, KernelOptions<double>{.route = route, .selected = flags});
      CHECK(largest_difference(k.values, expected) < 1e-14 * 21 * largest(expected));
    }
  }
}

TEST_CASE("a positive diagonal preconditioner gives J D J^T, by every route") {
  const auto theta = tied_parameters();
  const auto x = normal<double>(5, 2, 7), z = normal<double>(4, 2, 8);
  Parameters<double> weights = tied_parameters(50);
  for (auto& entry : weights.entries)
    for (double& w : entry.value) w = std::exp(w);
  weights.entries[2].value.fill(1.7);  // a constant one keeps the structure of its blocks
  auto jx = dense_of(theta, x);
  const auto jz = dense_of(theta, z);
  Index column = 0;
  for (const auto& entry : weights.entries)
    for (const double w : entry.value) {
      for (Index r = 0; r < jx.shape(0); ++r) jx(r, column) *= w;
      ++column;
    }
  const auto expected = linalg::gram(linalg::view(jx), linalg::view(jz));
  for (const Route route : kRoutes) {
    CAPTURE(name_of(route));
    const auto k =
        empirical_ntk(tied, theta, x, z, KernelOptions<double>{.route = route, .preconditioner = &weights});
    CHECK(largest_difference(k.values, expected) < 1e-14 * 21 * largest(expected));
  }
  weights.entries[1].value(0, 1) = 0;
  CHECK_THROWS_AS((void)empirical_ntk(tied, theta, x, KernelOptions<double>{.preconditioner = &weights}),
                  UserError);
}

TEST_CASE("a weight recorded twice is one parameter, and a constant is none") {
  const auto theta = tied_parameters();
  const auto x = normal<double>(5, 2, 7);
  const auto again = [](auto& tape, const auto& p, Var input) {
    const Var first =
        affine(tape, input, tape.parameter(p.entries[0].value), tape.constant(p.entries[1].value));
    const Var w = tape.parameter(p.entries[2].value), b = tape.parameter(p.entries[3].value);
    const Var hidden = activation(tape, "erf", affine(tape, activation(tape, "tanh", first), w, b, 0.7, 0.4));
    return affine(tape, hidden, tape.parameter(p.entries[2].value), tape.parameter(p.entries[3].value), 0.5,
                  0.3);
  };
  const auto frozen =
      empirical_ntk(tied, theta, x, KernelOptions<double>{.selected = {char(1), char(0), char(1), char(1)}});
  CHECK(largest_difference(empirical_ntk(again, theta, x).values, frozen.values) <
        1e-14 * largest(frozen.values));
}

// Central difference of the kernel along a direction: h = 1e-5, truncation h^2 times third derivatives.
TEST_CASE("the kernel's velocity is its derivative along a direction") {
  const auto theta = tied_parameters(), direction = tied_parameters(20);
  const auto x = normal<double>(5, 2, 7);
  for (const KernelForm form : kForms) {
    const auto velocity = kernel_velocity(tied, theta, direction, x, form).values;
    auto ahead = theta, behind = theta;
    add_scaled(ahead, 1e-5, direction);
    add_scaled(behind, -1e-5, direction);
    auto difference = empirical_ntk(tied, ahead, x, form).values;
    const auto other = empirical_ntk(tied, behind, x, form).values;
    for (Index k = 0; k < difference.size(); ++k)
      difference.data()[k] = (difference.data()[k] - other.data()[k]) / 2e-5;
    CHECK(largest_difference(velocity, difference) < 1e-8 * (1 + largest(velocity)));
    CHECK(largest(velocity) > 0.01);
  }
}

TEST_CASE("an Mlp is a network like any other, for velocities too") {
  const Architecture a{.widths = {3, 10, 8, 2}, .activation = "tanh", .bias_scale = 0.3};
  const Mlp<double> model(a);
  const auto theta = model.initialize(Seed{1}), direction = model.initialize(Seed{2});
  const auto x = normal<double>(4, 3, 1);
  const auto velocity = kernel_velocity(Mlp<Dual<double>>(a), theta, direction, x).values;
  auto ahead = theta, behind = theta;
  add_scaled(ahead, 1e-5, direction);
  add_scaled(behind, -1e-5, direction);
  const auto up = empirical_ntk(model, ahead, x).values, down = empirical_ntk(model, behind, x).values;
  for (Index k = 0; k < velocity.size(); ++k)
    CHECK(std::abs(velocity.data()[k] - (up.data()[k] - down.data()[k]) / 2e-5) < 1e-8);
}

// Beyond one tile of examples in either direction (64 or 128 columns, 256 rows, over the outputs in the full
// form), with every kind of use: weights shared, behind a gain, mixed with a bias, a dense block.
TEST_CASE("the factored route agrees with the dense one over many tiles, for any number of threads") {
  const auto network = [](auto& tape, const auto& theta, Var x) {
    std::vector<Var> p;
    for (const auto& entry : theta.entries) p.push_back(tape.parameter(entry.value));
    Var h = activation(tape, "tanh", affine(tape, x, p[0], p[1]));
    h = row_gain(tape, activation(tape, "erf", affine(tape, h, p[2], p[3])), p[5]);
    h = affine(tape, h, p[2], p[3], 0.4, 0.6);
    const Var one = slice_columns(tape, h, 0, 1);
    h = concatenate(tape, {affine(tape, one, p[6], p[6]), slice_columns(tape, h, 1, 5)});
    return linear(tape, h, p[4]);
  };
  for (const auto& [outputs, examples] :
       {std::pair<Index, Index>{1, 530}, {2, 300}, {3, 150}, {70, 12}, {300, 4}}) {
    CAPTURE(outputs);
    const Parameters<double> theta{{{"W0", 0, normal<double>(6, 3, 1)},
                                    {"b0", 0, normal<double>(1, 6, 2)},
                                    {"W1", 1, normal<double>(6, 6, 3)},
                                    {"b1", 1, normal<double>(1, 6, 4)},
                                    {"W2", 2, normal<double>(outputs, 6, 5)},
                                    {"g", 2, normal<double>(1, 6, 6)},
                                    {"w", 1, normal<double>(1, 1, 8)}}};
    const auto x = normal<double>(examples, 3, 20),
               z = normal<double>(examples > 40 ? examples - 33 : 3, 3, 21);
    for (const KernelForm form : kForms)
      for (const auto* other : {&x, &z}) {
        const auto by = [&](Route route) {
          return network_kernel(network, theta, x, *other,
                                KernelOptions<double>{.form = form, .route = route});
        };
        const auto dense = by(Route::dense), factored = by(Route::factored);
        const int threads = omp_get_max_threads();
        omp_set_num_threads(3);
        const auto shared_out = by(Route::factored);
        omp_set_num_threads(threads);
        CHECK(shared_out.kernel.values == factored.kernel.values);
        // Sums of at most 36 products of three factors, a few parameters together.
        CHECK(largest_difference(factored.kernel.values, dense.kernel.values) <
              1e-14 * 100 * largest(dense.kernel.values));
        for (Index l = 0; l < 3; ++l)
          CHECK(largest_difference(factored.layers[l].values, dense.layers[l].values) <
                1e-14 * 100 * largest(dense.kernel.values));
      }
  }
}

TEST_CASE("the automatic route is the one of least cost that stores little, and tells why") {
  const auto route_of = [](const auto& f, const Parameters<double>& theta, const Matrix<double>& x) {
    std::ostringstream told;
    (void)empirical_ntk(f, theta, x, KernelOptions<double>{.form = KernelForm::trace, .explain = &told});
    CHECK(test::contains(told.str(), "Gflop factored"));
    return told.str().substr(0, told.str().find(','));
  };
  // Activations of 40 columns: two Grams a layer are far less than rows of 1600 entries.
  const Mlp<double> wide({.widths = {40, 40, 1}});
  CHECK(route_of(wide, wide.initialize(Seed{1}), normal<double>(30, 40, 1)) == "kernel route: factored");
  // One weight of one entry: its rows are one column, and a factored Gram has two.
  const Parameters<double> one{{{"w", 0, normal<double>(1, 1, 2)}}};
  const auto scalar = [](auto& tape, const auto& theta, Var x) {
    return linear(tape, x, tape.parameter(theta.entries[0].value));
  };
  CHECK(route_of(scalar, one, normal<double>(30, 1, 1)) == "kernel route: dense");
  // A square weight behind a transpose has dense rows, of 1 GiB and more here: 200 x 1000^2 numbers.
  const auto behind = [](auto& tape, const auto& theta, Var x) {
    return slice_columns(tape, linear(tape, x, transpose(tape, tape.parameter(theta.entries[0].value))), 0,
                         1);
  };
  const Parameters<double> square{{{"W", 0, normal<double>(1000, 1000, 3)}}};
  Tape<double> tape;
  const auto x = normal<double>(200, 1000, 4);
  const Var y = behind(tape, square, tape.input(x));
  const auto cost = route_cost(tape, y, tape, y, GramOptions<double>{.form = KernelForm::trace}, {});
  CHECK(cost.factored_bytes > 0x1p30);
  CHECK(cost.dense_bytes > 0x1p30);
  CHECK(route_of(behind, {{{"W", 0, normal<double>(8, 8, 3)}}}, normal<double>(40, 8, 4)) !=
        "kernel route: products");

  std::ostringstream told;
  (void)empirical_ntk(scalar, one, normal<double>(3, 1, 1),
                      KernelOptions<double>{.route = Route::products, .explain = &told});
  CHECK(test::contains(told.str(), "products, because it was asked for"));
}

TEST_CASE("every route refuses the same, and knows a network that is all frozen") {
  const auto theta = tied_parameters();
  const auto x = normal<double>(5, 2, 7);
  auto negative = theta, large = theta;
  negative.entries[0].value(0, 0) = -1;
  large.entries[0].value = normal<double>(40, 30, 1);
  Tape<double> tape;
  const Var y = tied(tape, theta, tape.input(x));
  for (const Route route : kRoutes) {
    CAPTURE(name_of(route));
    const auto with = [&](const Parameters<double>& weights) {
      return empirical_ntk(tied, theta, x, KernelOptions<double>{.route = route, .preconditioner = &weights});
    };
    CHECK_THROWS_AS((void)with(negative), UserError);
    CHECK_THROWS_AS((void)with(large), ShapeError);
    CHECK_THROWS_AS(
        (void)kernel_by_group(tape, y, tape, y, RouteOptions<double>{.route = route, .selected = {1}}),
        ShapeError);
    const Var leaf = tape.parameters().front();
    CHECK_THROWS_AS((void)kernel_by_group(tape, leaf, tape, leaf, RouteOptions<double>{.route = route}),
                    UserError);
    const auto frozen = [](auto& t, const auto& at, Var input) {
      return linear(t, input, t.constant(at.entries[0].value));
    };
    CHECK(largest(empirical_ntk(frozen, theta, x, KernelOptions<double>{.route = route}).values) == 0);
  }
}

TEST_CASE("what does not belong together is refused") {
  const auto theta = tied_parameters();
  const auto x = normal<double>(5, 2, 7);
  const auto copying = [](auto& tape, const auto&, Var input) {
    static const Matrix<double> elsewhere = normal<double>(3, 2, 1);
    return linear(tape, input, tape.parameter(elsewhere));
  };
  CHECK_THROWS_AS((void)empirical_ntk(copying, theta, x), UserError);
  CHECK_THROWS_AS((void)empirical_ntk(tied, theta, x, KernelOptions<double>{.selected = {1}}), ShapeError);
  CHECK_THROWS_AS((void)empirical_ntk(tied, theta, make_matrix<double>(0, 2)), UserError);
  const Parameters<double> small{{theta.entries[0]}};
  CHECK_THROWS_AS((void)empirical_ntk(tied, theta, x, KernelOptions<double>{.preconditioner = &small}),
                  ShapeError);
  CHECK_THROWS_AS((void)kernel_velocity(tied, theta, small, x), ShapeError);
}

}  // namespace kernel_network_kernel_test
