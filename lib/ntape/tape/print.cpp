#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/tape/print.hpp>
#include <ostream>

namespace ntape {
namespace {

template <class Real>
std::string label(const Tape<Real>& tape, Index i) {
  const auto& node = tape.node(Var{i});
  if (!node.op) return node.batched ? "input" : node.needs_cotangent ? "parameter" : "constant";
  std::string text = std::string(node.op->name()) + '(';
  for (Index k = 0; k < node.args.size(); ++k)
    text += (k > 0 ? ", %" : "%") + std::to_string(node.args[k].index);
  return text + ')';
}

template <class Real>
double flops_of(const typename Tape<Real>::Node& node) {
  if (!node.op) return 0;
  std::vector<Shape> shapes;
  for (const auto* value : node.in) shapes.push_back(shape_of(*value));
  return node.op->flops(shapes);
}

}  // namespace

template <class Real>
std::ostream& operator<<(std::ostream& out, const Tape<Real>& tape) {
  std::uint64_t bytes = 0, flops = 0;
  for (Index i = 0; i < tape.size(); ++i) {
    const auto& node = tape.node(Var{i});
    const Shape shape = shape_of(*node.value);
    const Index size = shape.size() * sizeof(Real);
    const auto work = static_cast<std::uint64_t>(flops_of<Real>(node));
    out << '%' << i << " = " << label(tape, i) << "  " << to_string(shape) << "  " << size << " bytes";
    if (node.op) out << "  " << work << " flops";
    out << (node.batched ? "" : "  batch-free") << '\n';
    if (node.op) bytes += size;
    flops += work;
  }
  return out << tape.size() << " nodes, " << bytes << " bytes of values, " << flops << " flops\n";
}

template <class Real>
void write_graphviz(std::ostream& out, const Tape<Real>& tape) {
  out << "digraph tape {\n  rankdir=BT;\n";
  for (Index i = 0; i < tape.size(); ++i) {
    const auto& node = tape.node(Var{i});
    const std::string name = node.op ? std::string(node.op->name()) : label(tape, i);
    out << "  n" << i << " [label=\"%" << i << ' ' << name << "\\n"
        << to_string(shape_of(*node.value)) << "\", shape=" << (node.op ? "box" : "ellipse")
        << (node.batched ? "" : ", style=filled, fillcolor=\"#DDDDDD\"") << "];\n";
    for (const Var arg : node.args) out << "  n" << arg.index << " -> n" << i << ";\n";
  }
  out << "}\n";
}

template <class Real>
std::string first_not_finite(const Tape<Real>& tape) {
  for (Index i = 0; i < tape.size(); ++i) {
    const Matrix<Real>& value = tape.value(Var{i});
    for (Index k = 0; k < value.size(); ++k) {
      using std::isfinite;
      if (isfinite(value.data()[k])) continue;
      return '%' + std::to_string(i) + " = " + label(tape, i) + ", " + to_string(shape_of(value)) +
             ", is not finite at row " + std::to_string(k / value.shape(1)) + ", column " +
             std::to_string(k % value.shape(1)) + " (counted from 0)";
    }
  }
  return {};
}

template <class Real>
void require_finite(const Tape<Real>& tape) {
  const std::string defect = first_not_finite(tape);
  if (!defect.empty()) throw UserError(defect);
}

#define NTAPE_INSTANTIATE(Real)                                        \
  template std::ostream& operator<<(std::ostream&, const Tape<Real>&); \
  template void write_graphviz(std::ostream&, const Tape<Real>&);      \
  template std::string first_not_finite(const Tape<Real>&);            \
  template void require_finite(const Tape<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape
