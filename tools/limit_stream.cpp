#include "limit_stream.hpp"

#include <cmath>
#include <iostream>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/plan.hpp>
#include <ntape/run/progress.hpp>

#include "memory_option.hpp"
#include "overflow.hpp"
#include "window_file.hpp"

namespace ntape::tools {
namespace {

static_assert(Pieces::kSide == kLimitGrid);

// Larger windows are not faster: a line of one is 32 KiB of the file.
constexpr Index kLargestWindow = 4096;

// The side of the windows that fit.
Index fitting_window(const LimitStream& to, const Architecture& architecture, const Matrix<double>& x,
                     const Matrix<double>& x2, const LimitOptions& options) {
  const LimitBytes bytes = limit_bytes(architecture, x, x2, options);
  const Index most = std::max(x.shape(0), x2.shape(0));
  const double inputs = static_cast<double>((x.size() + (&x == &x2 ? 0 : x2.size())) * sizeof(double));
  const auto needed = [&](Index window) {
    const double line = static_cast<double>(std::min(window, most) * 32 * sizeof(double));
    return program_bytes() + kLimitTables + inputs + bytes.sum(std::min(window, most)) + line;
  };
  if (needed(kLimitGrid) > to.budget)
    throw UserError("the limit NTK of " + to_string(Shape{x.shape(0), x2.shape(0)}) +
                    " examples cannot be made in " + in_bytes(to.budget) +
                    " of memory; the smallest budget that would do is " + budget_text(needed(kLimitGrid)));
  Index window = kLimitGrid;
  while (window < kLargestWindow && window < most && needed(2 * window) <= to.budget) window *= 2;
  return window;
}

class LimitFile final : public LimitSink {
 public:
  LimitFile(io::NpyStream& file, const WindowFile<double>::Layout& layout, run::Progress& progress)
      : file_(file), windows_(file, layout, progress) {}

  bool wants(const LimitWindow& at) const override { return windows_.wants(window(at)); }
  void take(const LimitWindow& at, const LimitKernels& part) override {
    if (!all_finite(part.ntk.values)) {
      file_.discard();
      throw overflow("limit kernel");
    }
    double entry = 0, bound = 0;
    for (const double v : part.ntk.values) entry = std::max(entry, std::abs(v));
    for (const double b : part.ntk_bound) bound = std::isfinite(b) ? std::max(bound, b) : HUGE_VAL;
    file_.keep_largest(kEntry, entry);
    file_.keep_largest(kBound, bound);
    windows_.write(window(at), [&](Index n, Index m, Index, Index) { return part.ntk.values(n, m); });
  }
  // Of all that is in the file, whoever made it.
  static constexpr Index kEntry = 0, kBound = 1, kFigures = 2;
  [[nodiscard]] double relative_bound() const {
    return file_.largest(kEntry) > 0 ? file_.largest(kBound) / file_.largest(kEntry) : 0;
  }
  [[nodiscard]] bool vanished() const { return file_.largest(kEntry) == 0; }

 private:
  static Window window(const LimitWindow& at) { return {at.first1, at.count1, at.first2, at.count2}; }
  io::NpyStream& file_;
  WindowFile<double> windows_;
};

// All that the bits of the kernel depend on.
io::Fingerprint fingerprint(const Architecture& a, const Matrix<double>& x, const Matrix<double>& x2,
                            const LimitOptions& options) {
  return {{"version", NTAPE_VERSION},
          {"kernel", "limit NTK"},
          {"inputs", checksum(x)},
          {"against", &x == &x2 ? "the inputs" : checksum(x2)},
          {"depth", std::to_string(a.depth())},
          {"width", std::to_string(a.depth() > 1 ? a.widths[1] : 0)},
          {"activation", layers_in_words(a)},
          {"weight scale", exact(a.weight_scale)},
          {"bias scale", exact(a.bias_scale)},
          {"tolerance", exact(options.tolerance)}};
}

}  // namespace

StreamedLimit stream_limit(const LimitStream& to, const Architecture& architecture, const Matrix<double>& x,
                           const Matrix<double>& x2, const LimitOptions& options, Interrupts& interrupts) {
  const Index window = fitting_window(to, architecture, x, x2, options);
  const Index n1 = x.shape(0), n2 = x2.shape(0);
  const bool symmetric = &x == &x2;
  io::NpyStream file(to.out, {n1, n2}, sizeof(double), Pieces(n1, n2, symmetric).in_file(1),
                     fingerprint(architecture, x, x2, options), LimitFile::kFigures);
  const Interrupts::Cleanup keep(
      interrupts,
      [&file] {
        try {
          file.sync();
        } catch (const UserError&) {
        }
      },
      "what is finished is kept beside '" + to.out + "', and the same command continues it");
  tell_taken_up(file, to.out, to.talk);
  run::Progress progress("limit", file.pieces() - file.pieces_done(), run::automatic_mode(!to.talk),
                         std::cerr);
  LimitFile sink(file, {n1, n2, symmetric}, progress);
  limit_in_windows(architecture, x, x2, options, window, sink);
  const StreamedLimit done{window, sink.relative_bound(), sink.vanished()};
  file.close();
  return done;
}

}  // namespace ntape::tools
