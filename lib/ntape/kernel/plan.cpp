#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ntape/base/errors.hpp>
#include <ntape/jacobian/gram.hpp>
#include <ntape/kernel/number.hpp>
#include <ntape/kernel/plan.hpp>

namespace ntape {
namespace {

using detail::number;

// Larger windows gain nothing: a thousand threads can share the tiles of one, and rows are written a page at
// a time.
constexpr Index kLargestWindow = 1024;
constexpr double kLargestWindowBytes = 0x1p26;
// Smaller windows must save a twentieth of the evaluations.
constexpr double kWorthSmaller = 0.95;
// Of what is left for evaluations, the part that passes by, and the most examples that are worth it: what
// passes by is small so that what stays is large.
constexpr Index kPassingPart = 16, kLargestBlock = 1024;

double output_pairs(KernelForm form, Index outputs) {
  return form == KernelForm::trace ? 1 : number(form == KernelForm::full ? outputs * outputs : outputs);
}

// Of r examples: their inputs, the tape's values, seeds and cotangents.
double bytes_per_example(const KernelPlan& p) {
  const EvaluationCost& c = p.cost;
  return number(p.request.bytes_per_number) *
         (number(c.inputs) + c.values + number(c.outputs) * (c.cotangents + number(c.outputs)));
}

// A window's kernel and the share of a layer; a band of it in the order of a file; copies of cotangents.
double window_bytes(const KernelPlan& p) {
  constexpr double kBand = 32;
  const PlanRequest& r = p.request;
  const double rows = number(std::min(p.window, r.n1)), cols = number(std::min(p.window, r.n2));
  const bool copies = r.form == KernelForm::full && p.cost.outputs > 1;
  return number(r.bytes_per_number) *
         ((2 * rows + std::min(kBand, rows)) * cols * output_pairs(r.form, p.cost.outputs) +
          (copies ? (rows + cols) * number(p.cost.outputs) * p.cost.copied : 0));
}

// The largest multiple of kGramBlock examples, or all n of them, that fit into `room`; 0 when none do.
Index examples_in(double room, Index n) {
  if (room >= number(n)) return n;
  return room < number(kGramBlock) ? 0 : static_cast<Index>(room) / kGramBlock * kGramBlock;
}

// Chooses panel and block for room for that many examples. Whether there is enough.
bool place(KernelPlan& p, double room) {
  const Index n1 = p.request.n1, n2 = p.request.n2;
  const double least = number(std::min(kGramBlock, n2));
  p.panel = n1;
  if (p.request.symmetric) {
    p.block = 0;
    if (room >= number(n1)) return true;
  } else {
    // Whatever stays whole, the other passes once.
    p.block = examples_in(room - number(n1), n2);
    if (p.block > 0) return true;
    p.block = n2;
    p.panel = examples_in(room - number(n2), n1);
    if (p.panel > 0) return true;
  }
  const double passing = std::clamp(room / number(kPassingPart), least, number(kLargestBlock));
  p.block = std::max(examples_in(passing, n2), std::min(kGramBlock, n2));
  p.panel = examples_in(room - number(p.block), n1);
  if (p.panel == 0) return false;
  // Equal panels, no more of them: what comes before a panel of a symmetric kernel is then least.
  const Index panels = (n1 + p.panel - 1) / p.panel, rows = (n1 + panels - 1) / panels;
  p.panel = std::min(n1, (rows + kGramBlock - 1) / kGramBlock * kGramBlock);
  return true;
}

void require_examples(const PlanRequest& r) {
  if (r.n1 == 0 || r.n2 == 0) throw UserError("the kernel needs at least one example, given 0");
  if (r.symmetric && r.n1 != r.n2)
    throw ShapeError("a symmetric kernel is planned of " + to_string(Shape{r.n1, r.n2}) + " examples");
}

}  // namespace

KernelPlan::Bytes KernelPlan::bytes() const {
  const double size = number(request.bytes_per_number);
  return {request.held, size * cost.parameters,
          size * number(cost.inputs) * number(request.n1 + (request.symmetric ? 0 : request.n2)),
          bytes_per_example(*this) * number(panel + block), window_bytes(*this)};
}

double KernelPlan::evaluated() const {
  const Index n1 = request.n1, n2 = request.n2;
  if (!request.symmetric)
    return number(n1) + number(n2) * (block >= n2 ? 1 : std::ceil(number(n1) / number(panel)));
  double sum = number(n1);
  for (Index first = panel; first < n1; first += panel) sum += number(first);
  return sum;
}

KernelPlan::Flops KernelPlan::flops(Index layer) const {
  const EvaluationCost::Layer& l = cost.layers.at(layer);
  const double pairs = number(request.n1) * number(request.n2) * (request.symmetric ? 0.5 : 1.0);
  const double outputs = number(cost.outputs);
  const double grams = request.form == KernelForm::full ? outputs * outputs : outputs;
  return {evaluated() * l.forward, evaluated() * outputs * l.reverse, pairs * l.input_gram,
          pairs * grams * l.cotangent_gram};
}

KernelPlan plan_kernel(const EvaluationCost& cost, const PlanRequest& request) {
  require_examples(request);
  KernelPlan plan{.request = request, .cost = cost}, best;
  for (plan.window = kLargestWindow; plan.window >= kGramBlock; plan.window /= 2) {
    if (window_bytes(plan) > kLargestWindowBytes && plan.window > kGramBlock) continue;
    plan.panel = plan.block = 0;
    const double left = request.budget - plan.bytes().sum();
    if (!place(plan, left / bytes_per_example(plan))) continue;
    if (best.window == 0 || plan.evaluated() < kWorthSmaller * best.evaluated()) best = plan;
  }
  if (best.window > 0) return best;
  plan.window = kGramBlock;
  plan.panel = std::min(kGramBlock, request.n1);
  plan.block = request.symmetric && request.n1 <= kGramBlock ? 0 : std::min(kGramBlock, request.n2);
  throw UserError("a kernel of this network on " + to_string(Shape{request.n1, request.n2}) +
                  " examples does not fit in " + in_bytes(request.budget) +
                  " of memory; the smallest budget that would do is " + budget_text(plan.bytes().sum()));
}

std::string budget_text(double bytes) {
  char text[64];
  std::snprintf(text, sizeof text, "%.0fMiB", std::ceil(bytes / 0x1p20));
  return text;
}

std::string in_bytes(double bytes) {
  constexpr std::array<const char*, 6> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  Index unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); bytes /= 1024) ++unit;
  char text[48];
  std::snprintf(text, sizeof text, "%.3g %s", bytes, kUnits[unit]);
  return text;
}

}  // namespace ntape
