#include <signal.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <new>
#include <ntape/base/errors.hpp>
#include <ntape/run/blas_kernel.hpp>
#include <stdexcept>

#include "commands.hpp"

namespace {

constexpr const char* kUsage =
    R"(ntape: how far is a network from its infinite-width limit, and how far does its kernel move in training?

usage: ntape COMMAND [OPTIONS]     ntape COMMAND --help     ntape --version

commands:
  drift     train networks of several widths and track their kernels
  ensemble  many networks against the Gaussian law of infinite width
  figure    a figure of the paper made again, with a verdict on its claims
  kernel    the empirical NTK and NNGP of one network
  limit     the infinite-width NTK and NNGP
  plan      what `kernel` would do: blocks, memory and flops, without doing it
  predict   training in function space under a constant kernel, without training
  spectrum  leading eigenpairs of one network's NTK, matrix-free

examples:
  ntape drift
  ntape drift --data fashion-mnist --classes 0,1 --examples 256 --width 64,256,1024
  ntape kernel --inputs X.npy --depth 4 --width 512 --seed 7 --out K.npz
  ntape limit --inputs X.npy --depth 4 --activation erf --out T.npz

exit codes: 0 done, 2 something you can mend, 1 a fault of ntape's own
)";

constexpr int kInternal = 1;
constexpr int kUser = 2;

int dispatch(const std::vector<std::string>& words) {
  using namespace ntape::tools;
  if (words.empty())
    throw ntape::UserError(
        "no command is given; the commands are drift, ensemble, figure, kernel, limit, plan, predict, "
        "spectrum (see "
        "ntape "
        "--help)");
  const std::string& command = words.front();
  std::vector<std::string> rest(words.begin() + 1, words.end());
  if (command == "--help" || command == "-h" || command == "help") {
    if (!rest.empty()) return dispatch({rest.front(), "--help"});
    std::cout << kUsage;
    return 0;
  }
  if (command == "--version") {
    std::cout << "ntape " << NTAPE_VERSION << '\n';
    return 0;
  }
  if (command == "drift") return drift_command(rest);
  if (command == "ensemble") return ensemble_command(rest);
  if (command == "figure") return figure_command(rest);
  if (command == "kernel") return kernel_command(rest);
  if (command == "limit") return limit_command(rest);
  if (command == "plan") return plan_command(rest);
  if (command == "predict") return predict_command(rest);
  if (command == "spectrum") return spectrum_command(rest);
  throw ntape::UserError((command.starts_with('-') ? "unknown option '" : "unknown command '") + command +
                         "'; the commands are drift, ensemble, figure, kernel, limit, plan, predict, "
                         "spectrum (see ntape --help)");
}

// One line, whatever a file's name or an argument brought into the message.
int report(const std::string& message, int code) {
  std::string line = message;
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  std::cerr << "ntape: " << line << '\n';
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  ntape::run::restart_with_better_blas_kernel(argv);
  // A reader of our output that goes away (`| head`) must not end a run half-way: writing fails instead.
  signal(SIGPIPE, SIG_IGN);
  // The same where files may grow to a certain size only (`ulimit -f`).
  signal(SIGXFSZ, SIG_IGN);
  try {
    const int code = dispatch(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
    std::cout.flush();
    if (!std::cout) return report("not all of the output could be written to standard output", kUser);
    return code;
  } catch (const ntape::UserError& e) {
    return report(e.what(), kUser);
  } catch (const std::bad_alloc&) {
    return report("there is not enough memory for networks and data of this size", kUser);
  } catch (const std::length_error&) {
    return report("networks or data of this size cannot be addressed", kUser);
  } catch (const std::exception& e) {
    return report(std::string("internal error: ") + e.what(), kInternal);
  }
}
