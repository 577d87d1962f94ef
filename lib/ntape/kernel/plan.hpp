#pragma once

#include <iosfwd>
#include <limits>
#include <ntape/jacobian/jacobian.hpp>
#include <ntape/model/architecture.hpp>
#include <ntape/model/parameters.hpp>
#include <ntape/tensor/kernel_form.hpp>
#include <vector>

namespace ntape {

/// What one example costs in an evaluation of a network with its Jacobian, and a pair of examples in a
/// kernel.
struct EvaluationCost {
  /// Of the products of one layer (Parameters::Entry::layer); what is done entry by entry is not counted.
  struct Layer {
    double forward = 0;         ///< flops an example
    double reverse = 0;         ///< flops an example and output
    double input_gram = 0;      ///< flops a pair of examples
    double cotangent_gram = 0;  ///< flops a pair of examples and a pair of outputs
    friend bool operator==(const Layer&, const Layer&) = default;
  };
  Index inputs = 0;       ///< n_0
  Index outputs = 1;      ///< C
  double parameters = 0;  ///< P
  double values = 0;      ///< numbers an example: outputs of ops
  double cotangents = 0;  ///< numbers an example and output
  double copied = 0;      ///< numbers an example and output, of which the full form needs copies
  std::vector<Layer> layers = {};
  friend bool operator==(const EvaluationCost&, const EvaluationCost&) = default;
};

/// Of an Mlp, from its widths: nothing of that size is made.
[[nodiscard]] EvaluationCost evaluation_cost(const Architecture& architecture);

/// Of any network, from a Jacobian of it for a few examples (one will do) with respect to theta, whose
/// entries are the parameters of its tape. Throws UserError unless every block is an outer product.
template <class Real>
[[nodiscard]] EvaluationCost evaluation_cost(const Jacobian<Real>& j, const Parameters<Real>& theta);

/// Which kernel is wanted, and in how much memory.
struct PlanRequest {
  Index n1 = 0, n2 = 0;   ///< examples; equal for a symmetric kernel
  bool symmetric = true;  ///< of one set of examples: one triangle is computed
  KernelForm form = KernelForm::trace;
  Index bytes_per_number = sizeof(double);
  double budget = std::numeric_limits<double>::infinity();  ///< bytes, of the whole program
  double held = 0;  ///< bytes of them that the program holds besides what is planned here
};

/// How a kernel is made block by block in bounded memory; the bits do not depend on it.
///
/// Rows of x pass in panels. The evaluation of a panel is kept while those of x2 (of the x before it, for a
/// symmetric kernel) pass by in blocks, evaluated again for every panel unless they are one block. All begin
/// at multiples of kGramBlock examples. Panel against block, the kernel is made in windows and handed on.
struct KernelPlan {
  PlanRequest request;
  EvaluationCost cost;
  Index panel = 0;   ///< examples evaluated together and kept
  Index block = 0;   ///< examples that pass by together; 0 when the only panel meets itself alone
  Index window = 0;  ///< examples in a side of a window

  /// Predicted bytes at the peak.
  struct Bytes {
    double held, parameters, inputs, evaluations, windows;
    [[nodiscard]] double sum() const { return held + parameters + inputs + evaluations + windows; }
  };
  [[nodiscard]] Bytes bytes() const;
  /// How many examples are evaluated in all; N1 + N2 (N1 for a symmetric kernel) when none is twice.
  [[nodiscard]] double evaluated() const;
  /// Flops of a layer's products over the whole kernel. Symmetric Grams count half.
  struct Flops {
    double forward, reverse, input_grams, cotangent_grams;
    [[nodiscard]] double sum() const { return forward + reverse + input_grams + cotangent_grams; }
  };
  [[nodiscard]] Flops flops(Index layer) const;
};

/// The plan that evaluates the fewest examples within the budget. Throws UserError, naming the smallest
/// budget that would do, when there is none.
[[nodiscard]] KernelPlan plan_kernel(const EvaluationCost& cost, const PlanRequest& request);

/// The plan in words: blocks, what is kept and what evaluated again, bytes, flops by layer.
void explain(const KernelPlan& plan, std::ostream& out);

/// "1.5 GiB": to three digits.
[[nodiscard]] std::string in_bytes(double bytes);
/// "1537MiB": rounded up, so that it does when it is given as a budget.
[[nodiscard]] std::string budget_text(double bytes);

}  // namespace ntape
