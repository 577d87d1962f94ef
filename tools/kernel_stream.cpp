#include "kernel_stream.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <ntape/base/errors.hpp>
#include <ntape/io/npy_stream.hpp>
#include <ntape/kernel/blocked.hpp>
#include <ntape/run/manifest.hpp>
#include <ntape/run/progress.hpp>

#include "overflow.hpp"
#include "weights.hpp"
#include "window_file.hpp"

namespace ntape::tools {
namespace {

static_assert(Pieces::kSide == kGramBlock);

Pieces pieces_of(const PlanRequest& r) {
  return {r.n1, r.n2, r.symmetric};
}

// A pair of examples.
Index numbers_of(const KernelPlan& plan) {
  const Index c = plan.cost.outputs;
  return plan.request.form == KernelForm::full ? c * c : plan.request.form == KernelForm::trace ? 1 : c;
}

// Windows to the file, in the order (n, m, c, d) of files.
template <class Real>
class KernelFile final : public KernelSink<Real> {
 public:
  KernelFile(io::NpyStream& file, const KernelPlan& plan, run::Progress& progress)
      : file_(file), windows_(file, layout_of(plan), progress) {}

  bool wants(const GramWindow& at) const override { return windows_.wants(window(at)); }

  void take(const GramWindow& at, const Kernel<Real>& part) override {
    if (!all_finite(part.values)) {
      file_.discard();
      throw overflow("NTK", std::is_same_v<Real, float> ? ", or --precision f64" : "");
    }
    windows_.write(window(at), [&](Index n, Index m, Index c, Index d) { return value(part, n, m, c, d); });
  }

 private:
  static Window window(const GramWindow& at) { return {at.first1, at.count1, at.first2, at.count2}; }
  static typename WindowFile<Real>::Layout layout_of(const KernelPlan& plan) {
    const PlanRequest& r = plan.request;
    return {r.n1, r.n2, r.symmetric, r.form == KernelForm::trace ? 1 : plan.cost.outputs,
            r.form == KernelForm::full ? plan.cost.outputs : 1};
  }
  static Real value(const Kernel<Real>& k, Index n, Index m, Index c, Index d) {
    if (k.form == KernelForm::trace) return k.values(n, m);
    return k.form == KernelForm::full ? k.values(n * k.outputs + c, m * k.outputs + d)
                                      : k.values(c * k.rows() + n, m);
  }

  io::NpyStream& file_;
  WindowFile<Real> windows_;
};

// All that the bits of the kernel depend on.
template <class Real>
io::Fingerprint fingerprint(const KernelCommandOptions& o, const Architecture& a,
                            const Parameters<Real>& theta, const Matrix<Real>& x, const Matrix<Real>& x2) {
  io::Fingerprint print{{"version", NTAPE_VERSION},
                        {"kernel form", o.form},
                        {"inputs", checksum(x)},
                        {"against", &x == &x2 ? "the inputs" : checksum(x2)},
                        {"activation", layers_in_words(a)},
                        {"weight scale", exact(a.weight_scale)},
                        {"bias scale", exact(a.bias_scale)},
                        {"kernels of OpenBLAS", run::describe_environment().blas_kernel}};
  std::string weights;
  for (const auto& entry : theta.entries) weights += checksum(entry.value) + " ";
  print.emplace_back("weights", weights);
  return print;
}

}  // namespace

template <class Real>
void stream_kernel(const KernelCommandOptions& o, const Mlp<Real>& model, const Parameters<Real>& theta,
                   const Matrix<Real>& x, const Matrix<Real>& x2, const KernelPlan& plan,
                   Interrupts& interrupts) {
  const PlanRequest& r = plan.request;
  io::NpyStream file(o.out, file_shape(r.form, r.n1, r.n2, plan.cost.outputs), sizeof(Real),
                     pieces_of(r).in_file(numbers_of(plan)),
                     fingerprint(o, model.architecture(), theta, x, x2));
  const Interrupts::Cleanup keep(
      interrupts,
      [&file] {
        try {
          file.sync();
        } catch (const UserError&) {
        }
      },
      "what is finished is kept beside '" + o.out + "', and the same command continues it");
  const bool talk = !o.talk.quiet && !o.talk.json;
  tell_taken_up(file, o.out, talk);
  run::Progress progress("kernel", file.pieces() - file.pieces_done(), run::automatic_mode(!talk), std::cerr);
  KernelFile<Real> sink(file, plan, progress);
  blocked_ntk<Real>(model, theta, x, x2, plan, sink);
  if (!o.save_weights.empty()) {
    io::NpzWriter weights(o.save_weights);
    add_weights(weights, theta);
    weights.close();
  }
  file.close();
}

template void stream_kernel(const KernelCommandOptions&, const Mlp<float>&, const Parameters<float>&,
                            const Matrix<float>&, const Matrix<float>&, const KernelPlan&, Interrupts&);
template void stream_kernel(const KernelCommandOptions&, const Mlp<double>&, const Parameters<double>&,
                            const Matrix<double>&, const Matrix<double>&, const KernelPlan&, Interrupts&);

}  // namespace ntape::tools
