#pragma once

#include <ntape/limit/recursion.hpp>

namespace ntape {

/// Rows [first1, first1 + count1) and columns [first2, first2 + count2) of a kernel.
struct LimitWindow {
  Index first1, count1, first2, count2;
};

/// Where the windows of limit kernels go as they are made. Of symmetric ones only windows that meet the lower
/// triangle come, those on the diagonal complete.
class LimitSink {
 public:
  virtual ~LimitSink() = default;
  /// Whether that window is wanted; what is not is not computed. Default: all.
  [[nodiscard]] virtual bool wants(const LimitWindow&) const { return true; }
  /// `part`: the kernels of the window alone, until the next one.
  virtual void take(const LimitWindow& at, const LimitKernels& part) = 0;
};

/// Windows begin and end on this grid of examples, or with the examples.
constexpr Index kLimitGrid = 256;

/// limit_kernels window by window, for kernels larger than memory, with the same bits for any size of windows
/// and any number of threads. x [N1 x n_0], x2 [N2 x n_0], the same matrix twice for symmetric kernels;
/// `window`, a multiple of kLimitGrid, is a window's side. Throws as limit_kernels; ShapeError for another
/// window. Memory: see limit_bytes.
void limit_in_windows(const Architecture& architecture, const Matrix<double>& x, const Matrix<double>& x2,
                      const LimitOptions& options, Index window, LimitSink& sink);

/// What limit_in_windows keeps in memory, in bytes, the inputs not counted.
struct LimitBytes {
  double examples;  ///< per-example quantities of all layers, and the coefficients of numerical duals
  double pair;      ///< of one pair in a window
  [[nodiscard]] double sum(Index window) const {
    return examples + pair * static_cast<double>(window) * static_cast<double>(window);
  }
};
/// Of the shapes, and of the recursion on some examples: those whose coefficients are the most. Throws as
/// limit_kernels.
[[nodiscard]] LimitBytes limit_bytes(const Architecture& architecture, const Matrix<double>& x,
                                     const Matrix<double>& x2, const LimitOptions& options);

}  // namespace ntape
