#include <doctest/doctest.h>

#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/model/linearized.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/tape/sweep.hpp>

#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace model_linearized_test {

using namespace ntape;
using namespace ntape::test;

namespace {

// A weight used twice and one held fixed: fewer parameters on the tape than theta has entries.
const auto tied = [](auto& tape, const auto& theta, Var x) {
  const Var w = tape.parameter(theta.entries[0].value), fixed = tape.constant(theta.entries[1].value),
            v = tape.parameter(theta.entries[2].value);
  const Var h = activation(tape, "tanh", linear(tape, x, w));
  return linear(tape, activation(tape, "tanh", linear(tape, linear(tape, h, fixed), w)), v);
};

template <class Real>
Parameters<Real> tied_parameters(std::uint64_t stream) {
  return {{{"w", 0, normal<Real>(3, 3, stream)},
           {"fixed", 0, normal<Real>(3, 3, stream + 1)},
           {"v", 1, normal<Real>(2, 3, stream + 2)}}};
}

std::vector<Stack<double>> tangents(const Parameters<double>& a, const Parameters<double>& b,
                                    const std::vector<Index>& entries) {
  std::vector<Stack<double>> result;
  for (const Index e : entries) {
    const Shape shape = shape_of(a.entries[e].value);
    result.push_back(make_stack<double>(1, shape.rows, shape.cols));
    for (Index k = 0; k < shape.size(); ++k)
      result.back().data()[k] = a.entries[e].value.data()[k] - b.entries[e].value.data()[k];
  }
  return result;
}

}  // namespace

TEST_CASE("its value is f_0 + J_0 (theta - theta_0), its gradients are those of J_0, wherever theta is") {
  const auto start = tied_parameters<double>(1);
  auto theta = tied_parameters<double>(5);
  const auto x = normal<double>(4, 3, 9);
  const auto lin = linearize(tied, start);

  Tape<double> at_start, tape;
  const Var f0 = tied(at_start, start, at_start.input(x));
  const Var y = lin(tape, theta, tape.input(x));
  const auto check = [&] {
    const auto change = pushforward(at_start, f0, tangents(theta, start, {0, 2}));
    for (Index k = 0; k < 8; ++k)
      CHECK(tape.value(y).data()[k] == at_start.value(f0).data()[k] + change.data()[k]);
    const auto u = normal_stack<double>(2, {4, 2}, 10);
    const auto got = pullback(tape, y, u), expected = pullback(at_start, f0, u);
    REQUIRE(got.size() == 2);
    for (Index p = 0; p < 2; ++p) CHECK(largest_difference(got[p], expected[p]) == 0);
  };
  check();
  // In place: the tape reads these matrices.
  const auto later = tied_parameters<double>(20);
  for (const Index e : {Index{0}, Index{2}})
    std::copy(later.entries[e].value.begin(), later.entries[e].value.end(), theta.entries[e].value.begin());
  tape.replay();
  check();
  // What is held fixed does not move it.
  const Matrix<double> before = tape.value(y);
  theta.entries[1].value.fill(7);
  tape.replay();
  CHECK(largest_difference(tape.value(y), before) == 0);
  // Tangents of one parameter at a time add up to those of all.
  const auto t = tangents(tied_parameters<double>(30), start, {0, 2});
  CHECK(largest_difference(pushforward(tape, y, t), pushforward(at_start, f0, t)) < 1e-14);
}

TEST_CASE("it follows its inputs when they change, and is the network itself at theta_0") {
  const Mlp<double> model({.widths = {3, 5, 2}, .activation = "erf"});
  const auto theta = model.initialize(Seed{3});
  auto x = normal<double>(4, 3, 9);
  Tape<double> tape;
  const Var y = linearize(model, theta)(tape, theta, tape.input(x));
  CHECK(largest_difference(tape.value(y), evaluate(model, theta, x)) == 0);
  x = normal<double>(4, 3, 10);
  tape.replay();
  CHECK(largest_difference(tape.value(y), evaluate(model, theta, x)) == 0);
  const auto u = normal_stack<double>(1, {4, 2}, 11);
  Tape<double> direct;
  const Var f = model(direct, theta, direct.input(x));
  const auto got = pullback(tape, y, u), expected = pullback(direct, f, u);
  for (Index p = 0; p < got.size(); ++p) CHECK(largest_difference(got[p], expected[p]) == 0);
}

TEST_CASE("in floats it is what it is in doubles, to their rounding") {
  const auto rounded = [](const Matrix<double>& m) {
    auto r = make_matrix<float>(m.shape(0), m.shape(1));
    std::copy(m.begin(), m.end(), r.begin());
    return r;
  };
  const auto in_floats = [&](Parameters<double>& p) {
    Parameters<float> f;
    for (auto& e : p.entries) {
      f.entries.push_back({e.name, e.layer, rounded(e.value)});
      std::copy(f.entries.back().value.begin(), f.entries.back().value.end(), e.value.begin());
    }
    return f;
  };
  auto start = tied_parameters<double>(1), theta = tied_parameters<double>(5);
  auto x = normal<double>(4, 3, 9);
  const auto start_f = in_floats(start), theta_f = in_floats(theta);
  const auto x_f = rounded(x);
  std::copy(x_f.begin(), x_f.end(), x.begin());
  Tape<double> tape;
  Tape<float> tape_f;
  const Var y = linearize(tied, start)(tape, theta, tape.input(x)),
            y_f = linearize(tied, start_f)(tape_f, theta_f, tape_f.input(x_f));
  // Some forty sums of products of order 1 to 10, each rounded to 6e-8.
  CHECK(largest_difference(tape.value(y), tape_f.value(y_f)) < 1e-4);
  Tape<double> at_start;
  const Var f0 = tied(at_start, start, at_start.input(x));
  CHECK(largest_difference(tape.value(y), at_start.value(f0)) > .1);  // away from theta_0
  const auto u = normal_stack<double>(1, {4, 2}, 10);
  auto u_f = make_stack<float>(1, 4, 2);
  std::copy(u.begin(), u.end(), u_f.begin());
  const auto got = pullback(tape_f, y_f, u_f);
  const auto expected = pullback(tape, y, u);
  REQUIRE(got.size() == expected.size());
  for (Index p = 0; p < got.size(); ++p) CHECK(largest_difference(expected[p], got[p]) < 1e-4);
}

TEST_CASE("what is not shaped as theta_0, and inputs made of parameters, are refused") {
  const auto start = tied_parameters<double>(1);
  auto theta = start;
  const auto x = normal<double>(4, 3, 9);
  const auto lin = linearize(tied, start);
  theta.entries[2].value = normal<double>(1, 3, 1);
  Tape<double> tape;
  CHECK(contains(message_of<ShapeError>([&] { (void)lin(tape, theta, tape.input(x)); }),
                 "v is 1 x 3; theta_0 has 2 x 3"));
  theta.entries.pop_back();
  CHECK(contains(message_of<ShapeError>([&] { (void)lin(tape, theta, tape.input(x)); }),
                 "theta has 2 entries and theta_0 3"));
  Tape<double> behind;
  const auto w = normal<double>(3, 3, 2);
  const Var in = behind.input(x);
  const Var y = lin(behind, start, linear(behind, in, behind.parameter(w)));
  const auto u = normal_stack<double>(1, {4, 2}, 11);
  CHECK(contains(message_of<UserError>([&] { (void)pullback(behind, y, u); }),
                 "must not depend on parameters"));
}

}  // namespace model_linearized_test
