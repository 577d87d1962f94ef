#pragma once

#include <ntape/limit/windows.hpp>

#include "interrupt.hpp"
#include "options.hpp"

/// `ntape limit --out T.npy`: the NTK written as it is made.
namespace ntape::tools {

/// Bytes of the tables that numerical duals share.
inline constexpr double kLimitTables = 16 * 0x1p20;

struct LimitStream {
  std::string out;
  double budget;  ///< of memory, in bytes
  bool talk;
};

/// What came of it.
struct StreamedLimit {
  Index window;
  double bound;   ///< the largest bound over the largest entry, earlier runs included
  bool vanished;  ///< whether all is 0
};

/// x2 = x: symmetric. Throws UserError when the budget is too small, naming the smallest that would do,
/// before any work; when the kernel is not finite, leaving nothing.
StreamedLimit stream_limit(const LimitStream& to, const Architecture& architecture, const Matrix<double>& x,
                           const Matrix<double>& x2, const LimitOptions& options, Interrupts& interrupts);

}  // namespace ntape::tools
