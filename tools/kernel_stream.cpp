#include "kernel_stream.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <ntape/base/errors.hpp>
#include <ntape/io/npy_stream.hpp>
#include <ntape/kernel/blocked.hpp>
#include <ntape/run/progress.hpp>

#include "weights.hpp"

namespace ntape::tools {
namespace {

Index blocks_of(Index examples) {
  return (examples + kGramBlock - 1) / kGramBlock;
}

// The pieces whose notes are kept: kGramBlock x kGramBlock examples each, whatever the plan, so that a run
// may be continued in another budget; of a symmetric kernel those that meet the lower triangle, with their
// mirror images.
class Pieces {
 public:
  explicit Pieces(const PlanRequest& r)
      : rows_(blocks_of(r.n1)), cols_(blocks_of(r.n2)), symmetric_(r.symmetric) {}

  [[nodiscard]] Index count() const { return symmetric_ ? rows_ * (rows_ + 1) / 2 : rows_ * cols_; }

  template <class Visit>
  void each(const GramWindow& at, Visit&& visit) const {
    const Index i0 = at.first1 / kGramBlock, j0 = at.first2 / kGramBlock;
    for (Index i = i0; i < i0 + blocks_of(at.count1); ++i)
      for (Index j = j0; j < j0 + blocks_of(at.count2); ++j) {
        if (!symmetric_)
          visit(i * cols_ + j);
        else if (j <= i)
          visit(i * (i + 1) / 2 + j);
      }
  }

 private:
  Index rows_, cols_;
  bool symmetric_;
};

// Windows to the file, in the order (n, m, c, d) of files.
template <class Real>
class FileSink final : public KernelSink<Real> {
 public:
  FileSink(io::NpyStream& file, const KernelPlan& plan, run::Progress& progress)
      : file_(file), plan_(plan), pieces_(plan.request), progress_(progress) {}

  bool wants(const GramWindow& at) const override {
    bool open = false;
    pieces_.each(at, [&](Index piece) { open = open || !file_.done(piece); });
    return open;
  }

  void take(const GramWindow& at, const Kernel<Real>& part) override {
    if (!std::all_of(part.values.begin(), part.values.end(), [](Real v) { return std::isfinite(v); })) {
      file_.discard();
      throw UserError(
          "the NTK overflowed to a value that is not finite; smaller inputs or scales are needed, or "
          "--precision f64");
    }
    put(at.first1, at.count1, at.first2, at.count2,
        [&](Index n, Index m, Index c, Index d) { return value(part, n, m, c, d); });
    if (plan_.request.symmetric && at.first1 != at.first2)
      put(at.first2, at.count2, at.first1, at.count1,
          [&](Index m, Index n, Index d, Index c) { return value(part, n, m, c, d); });
    pieces_.each(at, [&](Index piece) {
      if (file_.done(piece)) return;
      file_.finish(piece);
      progress_.advance();
    });
  }

 private:
  static Real value(const Kernel<Real>& k, Index n, Index m, Index c, Index d) {
    if (k.form == KernelForm::trace) return k.values(n, m);
    return k.form == KernelForm::full ? k.values(n * k.outputs + c, m * k.outputs + d)
                                      : k.values(c * k.rows() + n, m);
  }

  // Element (n, m, c, d) of rows [first1, + count1) and columns [first2, + count2).
  template <class At>
  void put(Index first1, Index count1, Index first2, Index count2, const At& at) {
    const KernelForm form = plan_.request.form;
    const Index cs = form == KernelForm::trace ? 1 : plan_.cost.outputs;
    const Index ds = form == KernelForm::full ? plan_.cost.outputs : 1, size = cs * ds;
    // Some rows at a time: the columns of a mirrored window are then read a cache line at a time.
    constexpr Index kRows = 32;
    for (Index n0 = 0; n0 < count1; n0 += kRows) {
      const Index rows = std::min(kRows, count1 - n0), line = count2 * size;
      buffer_.resize(rows * line);
      for (Index m = 0; m < count2; ++m)
        for (Index n = 0; n < rows; ++n)
          for (Index c = 0; c < cs; ++c)
            for (Index d = 0; d < ds; ++d) buffer_[n * line + (m * cs + c) * ds + d] = at(n0 + n, m, c, d);
      for (Index n = 0; n < rows; ++n)
        file_.template write<Real>(((first1 + n0 + n) * plan_.request.n2 + first2) * size,
                                   {buffer_.data() + n * line, line});
    }
  }

  io::NpyStream& file_;
  const KernelPlan& plan_;
  Pieces pieces_;
  run::Progress& progress_;
  std::vector<Real> buffer_;
};

template <class Real>
std::string checksum(const Matrix<Real>& m) {
  return to_string(shape_of(m)) + " " + io::checksum(std::as_bytes(std::span(m.data(), m.size())));
}

std::string exact(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

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
                        {"bias scale", exact(a.bias_scale)}};
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
                     Pieces(r).count(), fingerprint(o, model.architecture(), theta, x, x2));
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
  if (talk && file.pieces_done() > 0)
    std::cerr << "continuing: " << file.pieces_done() << " of " << file.pieces() << " pieces are there\n";
  run::Progress progress("kernel", file.pieces() - file.pieces_done(), run::automatic_mode(!talk), std::cerr);
  FileSink<Real> sink(file, plan, progress);
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
