#pragma once

#include <signal.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace ntape::tools {

/// Holds back SIGINT, SIGTERM and SIGHUP from this thread and those that it starts, while it lives. One that
/// came meanwhile acts afterwards. For the moments of writing a file.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  [[nodiscard]] const sigset_t& signals() const { return signals_; }

 private:
  sigset_t signals_, before_;
};

/// Ends the program on those signals, as far as they are not ignored, from a thread of its own, after the
/// cleanup in force: at once, wherever the other threads are. The exit code is 128 + the signal's number, as
/// shells have it. Make one before anything that starts threads.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();

  /// The cleanup while it lives, and what is said then. It runs in the waiting thread; what it locks may stay
  /// locked.
  class Cleanup {
   public:
    Cleanup(Interrupts& interrupts, std::function<void()> action, std::string farewell = kNothingLeft);
    ~Cleanup();
    Cleanup(const Cleanup&) = delete;
    Cleanup& operator=(const Cleanup&) = delete;

   private:
    Interrupts& interrupts_;
  };

 private:
  static constexpr const char* kNothingLeft = "what was not finished is removed";

  void wait();

  SignalsHeld held_;
  std::mutex mutex_;
  std::function<void()> cleanup_;
  std::string farewell_ = kNothingLeft;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace ntape::tools
