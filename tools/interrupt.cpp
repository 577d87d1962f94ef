#include "interrupt.hpp"

#include <unistd.h>

namespace ntape::tools {

namespace {

// Who runs a program in the background or under nohup has signals ignored, and it is to stay so.
bool ignored(int number) {
  struct sigaction action {};
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

SignalsHeld::SignalsHeld() {
  sigemptyset(&signals_);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, number);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

SignalsHeld::~SignalsHeld() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Interrupts::Interrupts() : thread_([this] { wait(); }) {}

Interrupts::~Interrupts() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  // To this thread only, and it is waiting for it: nobody dies.
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

void Interrupts::wait() {
  for (;;) {
    int number = 0;
    if (sigwait(&held_.signals(), &number) != 0) continue;
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    if (ignored(number)) continue;
    if (cleanup_) cleanup_();
    const std::string farewell = std::string(isatty(STDERR_FILENO) ? "\n" : "") +
                                 "ntape: interrupted by signal " + std::to_string(number) + "; " + farewell_ +
                                 "\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, farewell.data(), farewell.size());
    _exit(128 + number);
  }
}

Interrupts::Cleanup::Cleanup(Interrupts& interrupts, std::function<void()> action, std::string farewell)
    : interrupts_(interrupts) {
  const std::lock_guard lock(interrupts_.mutex_);
  interrupts_.cleanup_ = std::move(action);
  interrupts_.farewell_ = std::move(farewell);
}

Interrupts::Cleanup::~Cleanup() {
  const std::lock_guard lock(interrupts_.mutex_);
  interrupts_.cleanup_ = {};
  interrupts_.farewell_ = kNothingLeft;
}

}  // namespace ntape::tools
