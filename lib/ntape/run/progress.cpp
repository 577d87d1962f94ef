#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ntape/run/progress.hpp>
#include <ostream>

namespace ntape::run {
namespace {

constexpr double kSecondsBetweenDraws = 0.1;
constexpr std::size_t kBarCells = 30;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string duration(double seconds) {
  char text[48];
  if (seconds < 60)
    std::snprintf(text, sizeof text, "%.0f s", seconds);
  else
    std::snprintf(text, sizeof text, "%.0f min %02.0f s", std::floor(seconds / 60), std::fmod(seconds, 60.0));
  return text;
}

}  // namespace

ProgressMode automatic_mode(bool quiet) {
  if (quiet) return ProgressMode::quiet;
  return isatty(STDERR_FILENO) ? ProgressMode::bar : ProgressMode::lines;
}

Progress::Progress(std::string label, std::uint64_t total, ProgressMode mode, std::ostream& out, Seconds now)
    : label_(std::move(label)),
      total_(std::max<std::uint64_t>(total, 1)),
      mode_(mode),
      out_(out),
      now_(now ? std::move(now) : steady_seconds),
      start_(now_()) {}

void Progress::advance(std::uint64_t done) {
  if (mode_ == ProgressMode::quiet) return;
  const std::lock_guard lock(mutex_);
  done_ = std::min(done_ + done, total_);
  const double now = now_();
  if (mode_ == ProgressMode::bar) {
    if (now - last_drawn_ >= kSecondsBetweenDraws) draw(now);
    return;
  }
  const auto tenth =
      static_cast<std::uint64_t>(10.0 * static_cast<double>(done_) / static_cast<double>(total_));
  if (tenth > last_tenth_ && tenth < 10 && now - std::max(last_drawn_, start_) >= 1.0) {
    last_tenth_ = tenth;
    draw(now);
  }
}

void Progress::draw(double now) {
  last_drawn_ = now;
  const double fraction = static_cast<double>(done_) / static_cast<double>(total_);
  const double spent = now - start_;
  const std::string left = fraction >= 1  ? "done in " + duration(spent)
                           : fraction > 0 ? "about " + duration(spent * (1 - fraction) / fraction) + " left"
                                          : "";
  char percent[16];
  // Rounded down: 100% is for what is done.
  std::snprintf(percent, sizeof percent, "%3.0f%%", std::floor(100 * fraction));
  if (mode_ == ProgressMode::lines) {
    out_ << label_ << ' ' << percent << "  " << left << std::endl;
    return;
  }
  line_open_ = true;
  const auto full = static_cast<std::size_t>(fraction * static_cast<double>(kBarCells));
  out_ << '\r' << label_ << " [" << std::string(full, '#') << std::string(kBarCells - full, ' ') << "] "
       << percent << "  " << left << "\x1b[K" << std::flush;
}

void Progress::finish() {
  if (mode_ == ProgressMode::quiet) return;
  const std::lock_guard lock(mutex_);
  done_ = total_;
  draw(now_());
  if (mode_ == ProgressMode::bar) out_ << std::endl;
  line_open_ = false;
}

Progress::~Progress() {
  if (line_open_) out_ << std::endl;
}

}  // namespace ntape::run
