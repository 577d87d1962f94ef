#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/ops/activation.hpp>

#include "support/check_op_parts.hpp"
#include "support/temp_dir.hpp"

namespace ops_activation_test {

using namespace ntape;

namespace {

using Long = long double;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Limits {
  double f_low, f_high, df_low, df_high;  // at minus and plus infinity
};

// An activation from its definition, in long double.
struct Definition {
  std::string name;
  std::function<Long(Long)> f, df;
  Limits limits;
};

Long logistic(Long x) {
  return 1 / (1 + std::exp(-x));
}
Long normal_density(Long x) {
  return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<Long>);
}
Long normal_below(Long x) {
  return std::erfc(-x / std::sqrt(Long(2))) / 2;
}

const std::vector<Definition> kDefinitions = {
    {"identity", [](Long x) { return x; }, [](Long) { return Long(1); }, {-kInfinity, kInfinity, 1, 1}},
    {"relu",
     [](Long x) { return std::max(x, Long(0)); },
     [](Long x) { return Long(x > 0); },
     {0, kInfinity, 0, 1}},
    {"leaky_relu(0.25)",
     [](Long x) { return x > 0 ? x : x / 4; },
     [](Long x) { return x > 0 ? Long(1) : Long(0.25); },
     {-kInfinity, kInfinity, 0.25, 1}},
    {"abs",
     [](Long x) { return std::abs(x); },
     [](Long x) { return Long((x > 0) - (x < 0)); },
     {kInfinity, kInfinity, -1, 1}},
    {"elu",
     [](Long x) { return x > 0 ? x : std::expm1(x); },
     [](Long x) { return x > 0 ? Long(1) : std::exp(x); },
     {-1, kInfinity, 0, 1}},
    {"elu(0.5)",
     [](Long x) { return x > 0 ? x : std::expm1(x) / 2; },
     [](Long x) { return x > 0 ? Long(1) : std::exp(x) / 2; },
     {-0.5, kInfinity, 0, 1}},
    {"gelu",
     [](Long x) { return x * normal_below(x); },
     [](Long x) { return normal_below(x) + x * normal_density(x); },
     {0, kInfinity, 0, 1}},
    {"erf",
     [](Long x) { return std::erf(x); },
     [](Long x) { return 2 / std::sqrt(std::numbers::pi_v<Long>) * std::exp(-x * x); },
     {-1, 1, 0, 0}},
    {"tanh",
     [](Long x) { return std::tanh(x); },
     [](Long x) { return 1 / (std::cosh(x) * std::cosh(x)); },
     {-1, 1, 0, 0}},
    {"sigmoid", logistic, [](Long x) { return logistic(x) * logistic(-x); }, {0, 1, 0, 0}},
    {"softplus",
     [](Long x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); },
     logistic,
     {0, kInfinity, 0, 1}},
    {"silu",
     [](Long x) { return x * logistic(x); },
     [](Long x) { return logistic(x) + x * logistic(x) * logistic(-x); },
     {0, kInfinity, 0, 1}},
    {"sin", [](Long x) { return std::sin(x); }, [](Long x) { return std::cos(x); }, {kNaN, kNaN, kNaN, kNaN}},
    {"cos",
     [](Long x) { return std::cos(x); },
     [](Long x) { return -std::sin(x); },
     {kNaN, kNaN, kNaN, kNaN}},
    {"gaussian",
     [](Long x) { return std::exp(-x * x); },
     [](Long x) { return -2 * x * std::exp(-x * x); },
     {0, 0, 0, 0}},
    {"square",
     [](Long x) { return x * x; },
     [](Long x) { return 2 * x; },
     {kInfinity, kInfinity, -kInfinity, kInfinity}},
    // Without a real root: beside one, Horner's scheme has an absolute error only.
    {"polynomial(1,-2,3)",
     [](Long x) { return 1 - 2 * x + 3 * x * x; },
     [](Long x) { return -2 + 6 * x; },
     {kInfinity, kInfinity, -kInfinity, kInfinity}},
};

template <class Real>
struct At {
  Matrix<Real> f;
  Stack<Real> df;
};

template <class Real>
At<Real> evaluate(const std::string& name, const std::vector<Real>& at) {
  const auto op = activation_op<Real>(name);
  std::vector<Matrix<Real>> in{make_matrix<Real>(1, at.size())};
  std::copy(at.begin(), at.end(), in[0].begin());
  auto f = test::value_at(*op, in, {1, at.size()});
  auto ones = make_stack<Real>(1, 1, at.size());
  ones.fill(Real(1));
  const auto pointers = test::pointers(in);
  auto df = test::product(*op, &Op<Real>::jvp, {pointers, f}, 0, ones, {1, at.size()});
  return {std::move(f), std::move(df)};
}

// From the middle into tails where exponentials vanish, squares overflow, and further.
template <class Real>
std::vector<Real> points() {
  std::vector<Real> at = {Real(0), Real(-0.0)};
  for (int k = -110; k <= 110; ++k) at.push_back(static_cast<Real>(0.37 * k));
  for (const double far : {1e-30, 1e-8, 60.0, 87.0, 100.0, 710.0, 750.0, 1e4, 1e18, 1e37})
    for (const double sign : {-1.0, 1.0}) at.push_back(static_cast<Real>(sign * far));
  if (sizeof(Real) == sizeof(double))
    for (const double far : {1e160, 1e300, -1e160, -1e300}) at.push_back(static_cast<Real>(far));
  return at;
}

// The condition of exp(-x^2) is 2 x^2: a rounding of x or x^2 costs that many roundings of the result. Below
// the smallest normal number digits are lost whatever one does.
template <class Real>
bool near(Real given, Long exact, Real x, Long absolute) {
  const Real rounded = static_cast<Real>(exact);
  if (std::isinf(rounded) || rounded == 0)
    return given == rounded || std::abs(Long(given) - exact) <= absolute;
  const Long relative = std::numeric_limits<Real>::epsilon() * (4 + 2 * Long(x) * Long(x));
  return std::abs(Long(given) - exact) <=
         relative * std::abs(exact) + absolute + std::numeric_limits<Real>::min();
}

template <class Real>
void check_definition(const Definition& d) {
  const auto at = points<Real>();
  const auto [f, df] = evaluate(d.name, at);
  for (Index k = 0; k < at.size(); ++k) {
    CAPTURE(at[k]);
    CHECK(near(f.data()[k], d.f(at[k]), at[k], 0));
    // 1 - y loses digits beside 1, not beside the size of a derivative.
    CHECK(near(df.data()[k], d.df(at[k]), at[k], 2 * std::numeric_limits<Real>::epsilon()));
  }
}

bool same(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : a == b;
}

}  // namespace

TEST_CASE_TEMPLATE("every activation is its definition, into the tails", Real, float, double) {
  for (const Definition& d : kDefinitions) {
    CAPTURE(d.name);
    check_definition<Real>(d);
  }
}

TEST_CASE_TEMPLATE("infinite inputs give the limits, and NaN gives NaN", Real, float, double) {
  for (const Definition& d : kDefinitions) {
    CAPTURE(d.name);
    const auto [f, df] = evaluate<Real>(
        d.name, {static_cast<Real>(-kInfinity), static_cast<Real>(kInfinity), static_cast<Real>(kNaN)});
    CHECK(same(f(0, 0), static_cast<Real>(d.limits.f_low)));
    CHECK(same(f(0, 1), static_cast<Real>(d.limits.f_high)));
    CHECK(same(df(0, 0, 0), static_cast<Real>(d.limits.df_low)));
    CHECK(same(df(0, 0, 1), static_cast<Real>(d.limits.df_high)));
    CHECK(std::isnan(f(0, 2)));
  }
}

TEST_CASE("dual numbers agree with the derivative, into the tails") {
  const auto at = points<double>();
  std::vector<Dual<double>> moving;
  for (const double x : at) moving.emplace_back(x, 1);
  for (const Definition& d : kDefinitions) {
    CAPTURE(d.name);
    const auto [f, df] = evaluate(d.name, moving);
    const auto plain = evaluate(d.name, at);
    for (Index k = 0; k < at.size(); ++k) {
      CAPTURE(at[k]);
      // Numbers go through vectorized loops, duals through the rules: near each other, not the same bits.
      CHECK(near(f.data()[k].value, plain.f.data()[k], at[k], 0));
      CHECK(near(df.data()[k].value, plain.df.data()[k], at[k], 4 * std::numeric_limits<double>::epsilon()));
      if (at[k] == 0) continue;  // a kink has no slope to agree on
      CHECK(near(f.data()[k].slope, plain.df.data()[k], at[k], 4 * std::numeric_limits<double>::epsilon()));
      CHECK_FALSE(std::isnan(df.data()[k].slope));
    }
  }
}

TEST_CASE("at a kink the derivative is the one on the left, and zero for relu and abs") {
  for (const double zero : {0.0, -0.0}) {
    CHECK(evaluate<double>("relu", {zero}).df(0, 0, 0) == 0);
    CHECK(evaluate<double>("abs", {zero}).df(0, 0, 0) == 0);
    CHECK(evaluate<double>("leaky_relu(0.1)", {zero}).df(0, 0, 0) == 0.1);
    CHECK(evaluate<double>("elu(0.7)", {zero}).df(0, 0, 0) == 0.7);
  }
}

TEST_CASE("parameters are read from the name") {
  const std::vector<double> at = {-1.5, 0.5, 2};
  CHECK(evaluate("leaky_relu(-1e-1)", at).f(0, 0) == 0.15000000000000002);
  CHECK(evaluate("polynomial( 1, 0 ,0.5 )", at).f(0, 2) == 3);
  CHECK(evaluate("polynomial(0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1)", at).f(0, 2) == 32768);
  CHECK(test::largest_difference(evaluate("elu", at).f, evaluate("elu(1)", at).f) == 0);
  CHECK(test::largest_difference(evaluate("leaky_relu(0)", at).f, evaluate("relu", at).f) == 0);
  CHECK(activation_op<double>("leaky_relu(0.1)")->name() == "leaky_relu(0.1)");
}

TEST_CASE("a name that means no activation is refused, and the message repeats it") {
  for (const char* bad : {"",
                          "rellu",
                          "Relu",
                          "relu ",
                          "(1)",
                          "relu(1)",
                          "relu()",
                          "leaky_relu",
                          "leaky_relu()",
                          "leaky_relu(a)",
                          "leaky_relu(0.1",
                          "leaky_relu(0.1)x",
                          "leaky_relu(0.1x)",
                          "leaky_relu(0.1,0.2)",
                          "leaky_relu(inf)",
                          "leaky_relu(nan)",
                          "leaky_relu(1e999)",
                          "elu(1,2)",
                          "polynomial",
                          "polynomial(1)",
                          "polynomial(1,0)",
                          "polynomial(1,,2)",
                          "polynomial(1,2,)",
                          "polynomial(0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1)"}) {
    CAPTURE(bad);
    const auto message = test::message_of<UserError>([&] { (void)activation_op<double>(bad); });
    CHECK(test::contains(message, "'" + std::string(bad) + "'"));
  }
  const auto message = test::message_of<UserError>([] { (void)activation_op<double>("rellu"); });
  for (const std::string& name : known_activations()) CHECK(test::contains(message, name));
  CHECK(test::contains(test::message_of<UserError>([] { (void)activation_op<double>("leaky_relu"); }),
                       "as in leaky_relu(0.1)"));
}

}  // namespace ops_activation_test
