#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <mutex>
#include <string>

namespace ntape::run {

enum class ProgressMode {
  bar,    ///< one line, rewritten, with an ETA: for a terminal
  lines,  ///< a plain line every tenth of the work: for a pipe
  quiet
};

/// bar on a terminal (standard error), lines otherwise, quiet when asked.
[[nodiscard]] ProgressMode automatic_mode(bool quiet);

/// How far a long piece of work is. advance() may be called from several threads.
class Progress {
 public:
  using Seconds = std::function<double()>;

  /// `now` gives seconds since any moment; the default is the steady clock.
  Progress(std::string label, std::uint64_t total, ProgressMode mode, std::ostream& out, Seconds now = {});

  /// Ends a bar's line if finish() was not reached, so that an error message begins a line of its own.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t done = 1);
  /// Prints the final state and ends the line. Call once.
  void finish();

 private:
  void draw(double now);

  std::string label_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  ProgressMode mode_;
  std::ostream& out_;
  Seconds now_;
  double start_;
  double last_drawn_ = -1e300;
  std::uint64_t last_tenth_ = 0;
  bool line_open_ = false;
  std::mutex mutex_;
};

}  // namespace ntape::run
