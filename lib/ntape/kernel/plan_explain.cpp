#include <cstdio>
#include <ntape/jacobian/gram.hpp>
#include <ntape/kernel/plan.hpp>
#include <ostream>

namespace ntape {
namespace {

std::string text(const char* format, auto... arguments) {
  char line[256];
  std::snprintf(line, sizeof line, format, arguments...);
  return line;
}

const char* name_of(KernelForm form) {
  return form == KernelForm::full ? "full" : form == KernelForm::diagonal ? "diagonal" : "trace";
}

std::string examples_text(const KernelPlan& p) {
  const PlanRequest& r = p.request;
  if (r.symmetric && p.block == 0) return text("all %zu evaluated once and kept", r.n1);
  std::string line = p.panel >= r.n1 ? text("%zu rows kept", r.n1) : text("%zu rows kept at a time", p.panel);
  if (p.block >= r.n2 && !r.symmetric) {
    line += text(", %zu columns kept", r.n2);
  } else {
    line += text(", columns pass in blocks of %zu", p.block);
    if (p.panel < r.n1) line += ", evaluated again for each";
  }
  const double once = static_cast<double>(r.symmetric ? r.n1 : r.n1 + r.n2);
  return line + text("; %.0f evaluations, %.3g an example", p.evaluated(), p.evaluated() / once);
}

}  // namespace

void explain(const KernelPlan& p, std::ostream& out) {
  const PlanRequest& r = p.request;
  const char* precision = r.bytes_per_number == sizeof(float) ? "f32" : "f64";
  out << text("kernel    %s, %zu x %zu examples, %zu output%s, %s%s\n", name_of(r.form), r.n1, r.n2,
              p.cost.outputs, p.cost.outputs == 1 ? "" : "s", precision,
              r.symmetric ? ", symmetric: one triangle" : "");
  out << "examples  " << examples_text(p) << '\n';
  out << text("windows   of %zu x %zu examples, tiles on a grid of %zu\n", std::min(p.window, r.n1),
              std::min(p.window, r.n2), kGramBlock);
  const KernelPlan::Bytes b = p.bytes();
  out << "memory    parameters " << in_bytes(b.parameters) << ", inputs " << in_bytes(b.inputs)
      << ", evaluations " << in_bytes(b.evaluations) << ", windows " << in_bytes(b.windows)
      << ", program and output " << in_bytes(b.held) << '\n';
  out << "          " << in_bytes(b.sum()) << " at the peak, of a budget of " << in_bytes(r.budget) << "\n\n";
  out << "layer    forward    reverse    input Grams    cotangent Grams   Gflop\n";
  double total = 0;
  for (Index l = 0; l < p.cost.layers.size(); ++l) {
    const KernelPlan::Flops f = p.flops(l);
    total += f.sum();
    out << text("%5zu  %9.4g  %9.4g  %13.4g  %17.4g  %6.4g\n", l, f.forward / 1e9, f.reverse / 1e9,
                f.input_grams / 1e9, f.cotangent_grams / 1e9, f.sum() / 1e9);
  }
  out << text("  all  %59.4g\n", total / 1e9);
}

}  // namespace ntape
