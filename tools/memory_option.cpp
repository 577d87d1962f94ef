#include "memory_option.hpp"

#include <omp.h>

#include <array>
#include <charconv>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/run/memory.hpp>

namespace ntape::tools {
namespace {

// Measured on a small kernel: libraries and constants, and a thread's stack and BLAS buffer.
constexpr double kProgram = 16 * 0x1p20, kThread = 4 * 0x1p20;

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr std::array<Unit, 10> kUnits{{{"", 1},
                                       {"B", 1},
                                       {"KiB", 0x1p10},
                                       {"MiB", 0x1p20},
                                       {"GiB", 0x1p30},
                                       {"TiB", 0x1p40},
                                       {"KB", 1e3},
                                       {"MB", 1e6},
                                       {"GB", 1e9},
                                       {"TB", 1e12}}};

}  // namespace

void add_memory(CLI::App& app, MemoryOption& memory) {
  app.add_option("--memory", memory.text,
                 "at most this: KiB, MiB, GiB, KB, MB, GB or bytes;\n"
                 "default: three quarters of what is free. Results do\nnot depend on it")
      ->type_name("SIZE")
      ->group("Machine");
}

double parse_bytes(const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error == std::errc{} && std::isfinite(value) && value > 0) {
    std::string_view unit(stop, static_cast<std::size_t>(end - stop));
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    for (const Unit& known : kUnits)
      if (unit == known.name) return value * known.bytes;
  }
  throw UserError("--memory is '" + text +
                  "', and a size like 2GiB, 512MiB, 1.5GB or a number of bytes is needed");
}

double budget_of(const MemoryOption& memory) {
  return memory.text.empty() ? kShareOfFree * run::available_memory() : parse_bytes(memory.text);
}

double program_bytes() {
  return kProgram + kThread * omp_get_max_threads();
}

}  // namespace ntape::tools
