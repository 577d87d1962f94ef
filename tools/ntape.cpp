#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <ntape/base/errors.hpp>

#include "commands.hpp"

namespace {

constexpr const char* kUsage =
    R"(ntape: how far is a network from its infinite-width limit, and how far does its kernel move in training?

usage: ntape COMMAND [OPTIONS]     ntape COMMAND --help     ntape --version

commands:
  drift    train networks of several widths and track their kernels
  kernel   the empirical NTK and NNGP of one network
  limit    the infinite-width NTK and NNGP

examples:
  ntape drift
  ntape drift --data fashion-mnist --classes 0,1 --examples 256 --width 64,256,1024
  ntape kernel --inputs X.npy --depth 4 --width 512 --seed 7 --out K.npz
  ntape limit --inputs X.npy --depth 4 --activation erf --out T.npz
)";

constexpr int kInternal = 1;
constexpr int kUser = 2;

int dispatch(const std::vector<std::string>& words) {
  using namespace ntape::tools;
  if (words.empty()) {
    std::cerr << kUsage;
    return kUser;
  }
  const std::string& command = words.front();
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (command == "--help" || command == "-h" || command == "help") {
    std::cout << kUsage;
    return 0;
  }
  if (command == "--version") {
    std::cout << "ntape " << NTAPE_VERSION << '\n';
    return 0;
  }
  if (command == "drift") return drift_command(rest);
  if (command == "kernel") return kernel_command(rest);
  if (command == "limit") return limit_command(rest);
  throw ntape::UserError("unknown command '" + command + "'; the commands are drift, kernel, limit");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return dispatch(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const ntape::UserError& e) {
    std::cerr << "ntape: " << e.what() << '\n';
    return kUser;
  } catch (const std::bad_alloc&) {
    std::cerr << "ntape: there is not enough memory for networks and data of this size\n";
    return kUser;
  } catch (const std::exception& e) {
    std::cerr << "ntape: internal error: " << e.what() << '\n';
    return kInternal;
  }
}
