#include "cases.hpp"

#include <algorithm>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/arithmetic.hpp>
#include <ntape/ops/columns.hpp>
#include <ntape/ops/linear.hpp>
#include <ntape/ops/matmul.hpp>
#include <ntape/ops/normalize.hpp>

#include "matrices.hpp"

namespace ntape::test {
namespace {

constexpr bool kBatched = true, kBatchFree = false;
constexpr Index kOutputs = 4;

// A kink so far away that no step of a law crosses it: the longest is 2^-10 times a normal number.
constexpr double kKink = 1e-2;

struct Activation {
  std::string name;
  bool curved = true;
  double kink = 0;
};

const std::vector<Activation> kActivations = {
    {"identity", false},
    {"relu", false, kKink},
    {"leaky_relu(0.1)", false, kKink},
    {"leaky_relu(-0.5)", false, kKink},
    {"abs", false, kKink},
    {"elu", true, kKink},
    {"elu(0.7)", true, kKink},
    {"gelu"},
    {"erf"},
    {"tanh"},
    {"sigmoid"},
    {"softplus"},
    {"silu"},
    {"sin"},
    {"cos"},
    {"gaussian"},
    {"square"},
    {"polynomial(1,0,0.5)"},
    {"polynomial(0.5,-1,0.25,0.125)"},
    {"polynomial(-1,2)", false},
};

OpRecipe activation_recipe(const Activation& a) {
  return {a.name, [a](Index n, Index c) {
            return OpCase{.label = a.name,
                          .ops = every_real([&]<class Real>() { return activation_op<Real>(a.name); }),
                          .arguments = {{{n, c}, kBatched}},
                          .refused = {{}, {{n, c}, {n, c}}},
                          .kink = a.kink,
                          .curved = a.curved};
          }};
}

// An op of one argument that keeps its shape.
OpRecipe unary(std::string label, OpTriple ops, bool curved, Domain domain = Domain::real) {
  return {label, [=](Index n, Index c) {
            return OpCase{.label = label,
                          .ops = ops,
                          .arguments = {{{n, c}, kBatched, domain}},
                          .refused = {{}, {{n, c}, {n, c}}},
                          .curved = curved};
          }};
}

// A row-wise op of one argument, constant on rows of one column.
OpRecipe row_wise(std::string label, OpTriple ops) {
  return {label, [=](Index n, Index c) {
            return OpCase{.label = label,
                          .ops = ops,
                          .arguments = {{{n, c}, kBatched}},
                          .refused = {{}, {{n, c}, {n, c}}},
                          .curved = c > 1,
                          .terms = std::max<Index>(c, 1)};
          }};
}

// An op of two arguments of one shape, both batched or with rows of its own for either.
void add_binary(std::vector<OpRecipe>& all, std::string label, OpTriple ops, bool curved,
                Domain second = Domain::real) {
  struct Kind {
    const char* name;
    bool first, second;
  };
  for (const Kind kind : {Kind{"", kBatched, kBatched}, Kind{", batch-free second", kBatched, kBatchFree},
                          Kind{", batch-free first", kBatchFree, kBatched}}) {
    const std::string full = label + kind.name;
    all.push_back({full, [=](Index n, Index c) {
                     return OpCase{.label = full,
                                   .ops = ops,
                                   .arguments = {{{n, c}, kind.first}, {{n, c}, kind.second, second}},
                                   .refused = {{{n, c}, {n, c + 1}}, {{n, c}, {n + 1, c}}, {{n, c}}},
                                   .curved = curved};
                   }});
  }
}

void add_arithmetic(std::vector<OpRecipe>& all) {
  add_binary(all, "add", every_real([]<class Real>() { return add_op<Real>(); }), false);
  add_binary(all, "subtract", every_real([]<class Real>() { return subtract_op<Real>(); }), false);
  add_binary(all, "multiply", every_real([]<class Real>() { return multiply_op<Real>(); }), true);
  add_binary(all, "divide", every_real([]<class Real>() { return divide_op<Real>(); }), true,
             Domain::positive);
  all.push_back(
      unary("scale", every_real([]<class Real>() { return scale_op(static_cast<Real>(-1.3)); }), false));
  for (const double p : {2.0, 3.0})
    all.push_back(unary("power " + std::to_string(p),
                        every_real([p]<class Real>() { return power_op<Real>(p); }), true));
  for (const double p : {1.5, -1.0})
    all.push_back(unary("power " + std::to_string(p),
                        every_real([p]<class Real>() { return power_op<Real>(p); }), true, Domain::positive));
}

void add_products(std::vector<OpRecipe>& all) {
  const auto longest = [](Index n, Index c) { return std::max({n, c, kOutputs}); };
  all.push_back({"linear", [=](Index n, Index c) {
                   return OpCase{
                       .label = "linear",
                       .ops = every_real([]<class Real>() { return linear_op(static_cast<Real>(0.7)); }),
                       .arguments = {{{n, c}, kBatched}, {{kOutputs, c}, kBatchFree}},
                       .refused = {{{n, c}, {kOutputs, c + 1}}, {{n, c}}},
                       .curved = c > 0,
                       .terms = longest(n, c)};
                 }});
  all.push_back({"add_row", [=](Index n, Index c) {
                   return OpCase{
                       .label = "add_row",
                       .ops = every_real([]<class Real>() { return add_row_op(static_cast<Real>(-0.3)); }),
                       .arguments = {{{n, c}, kBatched}, {{1, c}, kBatchFree}},
                       .refused = {{{n, c}, {1, c + 1}}, {{n, c}, {2, c}}, {}},
                       .curved = false,
                       .terms = std::max<Index>(n, 1)};
                 }});
  all.push_back(
      {"affine", [=](Index n, Index c) {
         return OpCase{
             .label = "affine",
             .ops = every_real(
                 []<class Real>() { return affine_op(static_cast<Real>(0.7), static_cast<Real>(-0.3)); }),
             .arguments = {{{n, c}, kBatched}, {{kOutputs, c}, kBatchFree}, {{1, kOutputs}, kBatchFree}},
             .refused = {{{n, c}, {kOutputs, c}}},
             .curved = c > 0,
             .terms = longest(n, c) + 1};
       }});
  all.push_back({"row_gain", [=](Index n, Index c) {
                   return OpCase{.label = "row_gain",
                                 .ops = every_real([]<class Real>() { return row_gain_op<Real>(); }),
                                 .arguments = {{{n, c}, kBatched}, {{1, c}, kBatchFree}},
                                 .refused = {{{n, c}, {1, c + 1}}, {{n, c}, {2, c}}, {}},
                                 .terms = std::max<Index>(n, 1)};
                 }});
  for (const bool batched : {kBatched, kBatchFree}) {
    const std::string label = batched ? "matmul" : "matmul, batch-free";
    all.push_back({label, [=](Index n, Index c) {
                     return OpCase{.label = label,
                                   .ops = every_real([]<class Real>() { return matmul_op<Real>(); }),
                                   .arguments = {{{n, c}, batched}, {{c, kOutputs}, kBatchFree}},
                                   .refused = {{{n, c}, {c + 1, kOutputs}}, {{n, c}}},
                                   .curved = c > 0,
                                   .terms = longest(n, c)};
                   }});
    const std::string other = batched ? "transpose of examples" : "transpose";
    all.push_back({.label = other,
                   .at =
                       [=](Index n, Index c) {
                         return OpCase{.label = other,
                                       .ops = every_real([]<class Real>() { return transpose_op<Real>(); }),
                                       .arguments = {{{n, c}, batched}},
                                       .refused = {{}},
                                       .curved = false};
                       },
                   .recordable = !batched});
  }
}

void add_columns(std::vector<OpRecipe>& all) {
  const auto concatenate = every_real([]<class Real>() { return concatenate_op<Real>(); });
  all.push_back({"concatenate", [=](Index n, Index c) {
                   return OpCase{.label = "concatenate",
                                 .ops = concatenate,
                                 .arguments = {{{n, c}, kBatched}, {{n, c}, kBatched}},
                                 .refused = {{{n, c}, {n + 1, c}}, {{n, c}}, {}},
                                 .curved = false};
                 }});
  all.push_back({"concatenate, with batch-free parts", [=](Index n, Index c) {
                   return OpCase{
                       .label = "concatenate, with batch-free parts",
                       .ops = concatenate,
                       .arguments = {{{n, c}, kBatched}, {{n, 2}, kBatchFree}, {{n, c + 1}, kBatchFree}},
                       .refused = {{{n, c}, {n, 2}, {n + 1, 2}}},
                       .curved = false};
                 }});
  all.push_back({"slice_columns", [=](Index n, Index c) {
                   const Index first = c / 3, count = c / 2;
                   return OpCase{
                       .label = "slice_columns",
                       .ops = every_real([=]<class Real>() { return slice_columns_op<Real>(first, count); }),
                       .arguments = {{{n, c}, kBatched}},
                       .refused = {{}, {{n, c}, {n, c}}},
                       .curved = false};
                 }});
  const auto sum = [&](std::string label, OpTriple ops, Index least) {
    all.push_back({.label = label,
                   .at =
                       [=](Index n, Index c) {
                         return OpCase{.label = label,
                                       .ops = ops,
                                       .arguments = {{{n, c}, kBatched}},
                                       .refused = {{}, {{n, c}, {n, c}}},
                                       .curved = false,
                                       .terms = std::max<Index>(c, 1)};
                       },
                   .least_columns = least});
  };
  sum("sum_columns", every_real([]<class Real>() { return sum_columns_op<Real>(); }), 0);
  sum("mean_columns", every_real([]<class Real>() { return mean_columns_op<Real>(); }), 1);
  all.push_back({"mean_examples", [=](Index n, Index c) {
                   return OpCase{.label = "mean_examples",
                                 .ops = every_real([]<class Real>() { return mean_examples_op<Real>(); }),
                                 .arguments = {{{n, c}, kBatched}},
                                 .refused = {{}, {{n, c}, {n, c}}},
                                 .curved = false,
                                 .terms = std::max<Index>(n, 1)};
                 }});
}

std::vector<OpRecipe> every_recipe() {
  std::vector<OpRecipe> all;
  for (const Activation& a : kActivations) all.push_back(activation_recipe(a));
  add_arithmetic(all);
  add_products(all);
  add_columns(all);
  // With a small epsilon, rows of two nearly equal entries are too curved for central differences.
  all.push_back(row_wise("layer_norm", every_real([]<class Real>() { return layer_norm_op<Real>(0.1); })));
  all.push_back(row_wise("softmax", every_real([]<class Real>() { return softmax_op<Real>(); })));
  all.push_back(row_wise("log_softmax", every_real([]<class Real>() { return log_softmax_op<Real>(); })));
  return all;
}

Matrix<double> matrix_of(Index rows, Index cols, std::initializer_list<double> entries) {
  Matrix<double> m = make_matrix<double>(rows, cols);
  std::copy(entries.begin(), entries.end(), m.begin());
  return m;
}

std::vector<ObjectiveCase> every_objective() {
  const auto any = [](Index n, Index c) { return normal<double>(n, c, 90); };
  const auto probabilities = [](Index n, Index c) {
    Matrix<double> y = normal<double>(n, c, 91);
    for (Index i = 0; i < n; ++i) {
      double sum = 0;
      for (Index j = 0; j < c; ++j) sum += std::abs(y(i, j));
      for (Index j = 0; j < c; ++j) y(i, j) = i % 2 == 0 ? std::abs(y(i, j)) / sum : double(j == i % c);
    }
    return y;
  };
  const auto signs = [](Index n, Index c) {
    Matrix<double> y = normal<double>(n, c, 92);
    for (double& v : y) v = v < 0 ? -1 : 1;
    return y;
  };
  return {{"mean_square", any},
          {"softmax_cross_entropy",
           probabilities,
           {{matrix_of(2, 2, {0.5, 0.5, 0.5, 0.6}), "row 1 of the targets sums to 1.1"},
            {matrix_of(1, 2, {-0.5, 1.5}), "row 0 of the targets has a -0.5"},
            {matrix_of(1, 2, {std::nan(""), 1}), "row 0 of the targets has a nan"}}},
          {"logistic",
           signs,
           {{matrix_of(2, 2, {1, -1, 1, 0}), "row 1 of the targets has a 0"},
            {matrix_of(1, 1, {std::nan("")}), "row 0 of the targets has a nan"}}}};
}

}  // namespace

const std::vector<OpRecipe>& op_recipes() {
  static const std::vector<OpRecipe> recipes = every_recipe();
  return recipes;
}

const std::vector<ObjectiveCase>& objective_cases() {
  static const std::vector<ObjectiveCase> cases = every_objective();
  return cases;
}

}  // namespace ntape::test
