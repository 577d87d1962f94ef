#include <doctest/doctest.h>

#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/ops/objective.hpp>

#include "support/cases.hpp"
#include "support/matrices.hpp"
#include "support/temp_dir.hpp"

namespace ops_objective_test {

using namespace ntape;
using test::normal;
using test::ObjectiveCase;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const std::vector<Shape> kShapes = {{1, 1}, {5, 3}, {4, 1}, {2, 257}, {300, 2}};

template <class Real>
Stack<Real> cotangent_of(const Objective<Real>& o, const Matrix<Real>& f, const Matrix<Real>& y) {
  Stack<Real> u = make_stack<Real>(1, f.shape(0), f.shape(1));
  u.fill(Real(std::numeric_limits<double>::quiet_NaN()));
  o.cotangent(f, y, u);
  return u;
}

template <class To, class From, class F>
Matrix<To> mapped(const Matrix<From>& from, F f) {
  Matrix<To> to = make_matrix<To>(from.shape(0), from.shape(1));
  std::transform(from.begin(), from.end(), to.begin(), f);
  return to;
}

Matrix<double> one_row(std::initializer_list<double> entries) {
  Matrix<double> m = make_matrix<double>(1, entries.size());
  std::copy(entries.begin(), entries.end(), m.begin());
  return m;
}

// Runs body(case, f, y) for every objective and shape.
template <class Body>
void for_each(Body&& body) {
  for (const ObjectiveCase& c : test::objective_cases())
    for (const Shape s : kShapes) {
      CAPTURE(c.name);
      CAPTURE(to_string(s));
      body(c, normal<double>(s.rows, s.cols, 80), c.targets(s.rows, s.cols));
    }
}

}  // namespace

TEST_CASE("the costs are what they say, divided by the examples and not by the outputs") {
  Matrix<double> f = make_matrix<double>(2, 3), y = zeros<double>(2, 3);
  f.fill(2);
  CHECK(objective<double>("mean_square")->value(f, y) == 6);  // 6 entries of 4, over 2 N = 4
  y.fill(1);
  // log(1 + e^-2), three a row; one rounding a term
  CHECK(objective<double>("logistic")->value(f, y) ==
        doctest::Approx(3 * std::log1p(std::exp(-2))).epsilon(1e-15));
  y.fill(0);
  y(0, 0) = y(1, 2) = 1;
  f(0, 0) = 3;
  // log(e^3 + 2 e^2) - 3 and log(3 e^2) - 2
  const double expected = (std::log(std::exp(3) + 2 * std::exp(2)) - 3 + std::log(3)) / 2;
  CHECK(objective<double>("softmax_cross_entropy")->value(f, y) == doctest::Approx(expected).epsilon(1e-14));
}

TEST_CASE("the cotangent is the derivative of the cost") {
  for_each([](const ObjectiveCase& c, Matrix<double> f, const Matrix<double>& y) {
    const auto o = objective<double>(c.name);
    const Stack<double> u = cotangent_of(*o, f, y);
    // Central differences: truncation h^2/6 = 1e-10 times third derivatives below 1; rounding 1e-16 |C| / h,
    // the cost being at most a few hundred.
    const double h = 3e-5;
    for (Index k = 0; k < f.size(); k += 1 + f.size() / 50) {
      const double kept = f.data()[k];
      f.data()[k] = kept + h;
      const double above = o->value(f, y);
      f.data()[k] = kept - h;
      const double below = o->value(f, y);
      f.data()[k] = kept;
      CHECK(std::abs(u.data()[k] - (above - below) / (2 * h)) < 2e-9);
    }
  });
}

TEST_CASE("with dual numbers the cotangent carries the Hessian-vector product") {
  for_each([](const ObjectiveCase& c, const Matrix<double>& f, const Matrix<double>& y) {
    const auto direction = normal<double>(f.shape(0), f.shape(1), 81);
    Matrix<Dual<double>> moving = make_matrix<Dual<double>>(f.shape(0), f.shape(1));
    for (Index k = 0; k < f.size(); ++k) moving.data()[k] = {f.data()[k], direction.data()[k]};
    const auto dual_y = mapped<Dual<double>>(y, [](double v) { return Dual<double>(v); });
    const auto dual = objective<Dual<double>>(c.name);
    const auto o = objective<double>(c.name);
    // The value looks at values only; one rounding apart at most.
    CHECK(dual->value(moving, dual_y) == doctest::Approx(o->value(f, y)).epsilon(1e-15));
    const auto u = cotangent_of(*dual, moving, dual_y);
    const auto here = cotangent_of(*o, f, y);
    const double h = 0x1p-17;  // truncation 1e-11 |v|^3 c'''' with |v| < 4, rounding 1e-16 / h
    Matrix<double> above = f, below = f;
    for (Index k = 0; k < f.size(); ++k) {
      above.data()[k] += h * direction.data()[k];
      below.data()[k] -= h * direction.data()[k];
    }
    const auto high = cotangent_of(*o, above, y), low = cotangent_of(*o, below, y);
    for (Index k = 0; k < f.size(); ++k) {
      CHECK(std::abs(u.data()[k].value - here.data()[k]) <= 1e-15);
      CHECK(std::abs(u.data()[k].slope - (high.data()[k] - low.data()[k]) / (2 * h)) < 1e-9);
    }
  });
}

TEST_CASE("float costs and cotangents are those of double") {
  for_each([](const ObjectiveCase& c, const Matrix<double>& f, const Matrix<double>& y) {
    const auto to_float = [](double v) { return static_cast<float>(v); };
    const auto narrow_f = mapped<float>(f, to_float), narrow_y = mapped<float>(y, to_float);
    const auto o = objective<float>(c.name);
    // Inputs rounded to 6e-8, derivatives of the row costs below 10 in sum.
    CHECK(o->value(narrow_f, narrow_y) ==
          doctest::Approx(objective<double>(c.name)->value(f, y)).epsilon(1e-6));
    CHECK(test::largest_difference(cotangent_of(*o, narrow_f, narrow_y),
                                   cotangent_of(*objective<double>(c.name), f, y)) < 1e-6);
  });
}

TEST_CASE("far from the targets costs stay finite, and their cotangents bounded") {
  const auto logistic = objective<double>("logistic"), entropy = objective<double>("softmax_cross_entropy");
  CHECK(logistic->value(one_row({1e300, -1e300}), one_row({1, -1})) == 0);
  CHECK(logistic->value(one_row({1e300}), one_row({-1})) == 1e300);
  CHECK(logistic->value(one_row({kInfinity}), one_row({1})) == 0);
  CHECK(cotangent_of(*logistic, one_row({1e300, -1e300}), one_row({-1, -1}))(0, 0, 0) == 1);
  CHECK(cotangent_of(*logistic, one_row({1e300, -1e300}), one_row({-1, -1}))(0, 0, 1) == 0);
  CHECK(entropy->value(one_row({1000, 0}), one_row({0, 1})) == 1000);
  CHECK(entropy->value(one_row({1e300, -1e300}), one_row({1, 0})) == 0);
  // What has probability zero costs nothing, though f rules it out.
  CHECK(entropy->value(one_row({0, -kInfinity}), one_row({1, 0})) == 0);
  CHECK(cotangent_of(*entropy, one_row({1000, 0}), one_row({0, 1}))(0, 0, 0) == 1);
  // A common shift of a row changes nothing: near 2^60, to the bit.
  const auto y = one_row({0.25, 0.75});
  CHECK(entropy->value(one_row({0x1p60, 0x1p60}), y) == entropy->value(one_row({0, 0}), y));
}

TEST_CASE("NaN outputs give a NaN cost and cotangent") {
  for (const ObjectiveCase& c : test::objective_cases())
    for (const Index broken : {Index{0}, Index{5}}) {
      CAPTURE(c.name);
      Matrix<double> f = normal<double>(2, 3, 80);
      f.data()[broken] = std::nan("");
      const auto o = objective<double>(c.name);
      CHECK(std::isnan(o->value(f, c.targets(2, 3))));
      CHECK(std::isnan(test::largest(cotangent_of(*o, f, c.targets(2, 3)))));
    }
}

TEST_CASE("what an objective is not defined for is refused") {
  for (const ObjectiveCase& c : test::objective_cases()) {
    CAPTURE(c.name);
    const auto o = objective<double>(c.name);
    CHECK(o->name() == c.name);
    const auto f = normal<double>(5, 3, 1);
    Stack<double> u = make_stack<double>(1, 5, 3);
    const std::string message = test::message_of<ShapeError>([&] { (void)o->value(f, c.targets(5, 2)); });
    for (const char* part : {c.name.c_str(), "5 x 3", "5 x 2"}) CHECK(test::contains(message, part));
    CHECK_THROWS_AS(o->cotangent(f, c.targets(4, 3), u), ShapeError);
    CHECK_THROWS_AS((void)o->value(zeros<double>(0, 3), zeros<double>(0, 3)), UserError);
    CHECK_THROWS_AS((void)o->value(zeros<double>(3, 0), zeros<double>(3, 0)), UserError);
    for (Stack<double> other :
         {make_stack<double>(1, 4, 3), make_stack<double>(1, 3, 5), make_stack<double>(2, 5, 3)})
      CHECK_THROWS_AS(o->cotangent(f, c.targets(5, 3), other), InternalError);
    for (const auto& refused : c.refused) {
      const auto outputs = zeros<double>(refused.targets.shape(0), refused.targets.shape(1));
      const auto said = test::message_of<UserError>([&] { (void)o->value(outputs, refused.targets); });
      CHECK(test::contains(said, c.name));
      CHECK(test::contains(said, refused.message));
      Stack<double> fits = make_stack<double>(1, outputs.shape(0), outputs.shape(1));
      CHECK_THROWS_AS(o->cotangent(outputs, refused.targets, fits), UserError);
    }
  }
  const auto message = test::message_of<UserError>([] { (void)objective<double>("hinge"); });
  CHECK(test::contains(message, "'hinge'"));
  for (const std::string& name : known_objectives()) CHECK(test::contains(message, name));
}

// A row of targets may miss 1 by 1e-5; cost and cotangent still belong together. Neither depends on a shift
// of f, so the cotangent of a row sums to zero, up to a rounding of each entry.
TEST_CASE("the cotangent fits the cost where probabilities do not quite sum to 1") {
  const auto o = objective<double>("softmax_cross_entropy");
  const auto u = cotangent_of(*o, one_row({0.3, -1, 2}), one_row({0.2, 0.3, 0.500009}));
  CHECK(std::abs(u(0, 0, 0) + u(0, 0, 1) + u(0, 0, 2)) < 1e-15);
}

TEST_CASE("probabilities rounded to float are accepted") {
  const auto y = test::objective_cases()[1].targets(4, 1000);
  const auto narrow = mapped<float>(y, [](double v) { return static_cast<float>(v); });
  CHECK_NOTHROW((void)objective<float>("softmax_cross_entropy")->value(zeros<float>(4, 1000), narrow));
}

}  // namespace ops_objective_test
