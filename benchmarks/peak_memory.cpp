#include "peak_memory.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "workload.hpp"

namespace {

using namespace workload;

std::vector<Index> widths_of(Index width) {
  return {784, width, width, width, 1};
}

// The kernel's own high-water mark of this process.
double peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return 1024 * std::stod(line.substr(6));
  return 0;
}

void kernel_once(Index width, Index examples) {
  const Mlp<float> model({.widths = widths_of(width)});
  const auto theta = model.initialize(Seed{1});
  (void)empirical_ntk(model, theta, normal_matrix<float>(examples, 784, 3), KernelForm::trace);
}

void three_steps(Index width, Index examples) {
  const Mlp<float> model({.widths = widths_of(width)});
  auto theta = model.initialize(Seed{1});
  const data::Dataset<float> data{normal_matrix<float>(examples, 784, 3),
                                  normal_matrix<float>(examples, 1, 4), "", ""};
  gradient_descent(model, theta, data, {.rate = 1e-3, .steps = 3});
}

}  // namespace

PeakMemory peak_memory(const char* work, Index width, Index examples) {
  const std::string command = "/proc/" + std::to_string(getpid()) + "/exe --peak=" + work + "," +
                              std::to_string(width) + "," + std::to_string(examples);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> child(popen(command.c_str(), "r"), pclose);
  double bytes = 0;
  if (!child || std::fscanf(child.get(), "%lf", &bytes) != 1 || bytes <= 0)
    throw std::runtime_error("the peak memory of a " + std::string(work) + " could not be measured");
  const double n = static_cast<double>(examples), m = static_cast<double>(width);
  const Mlp<float> model({.widths = widths_of(width)});
  return {bytes, sizeof(float) * static_cast<double>(model.architecture().parameter_count()),
          sizeof(float) * n * (784 + 6 * m)};
}

int print_peak_memory(const char* request) {
  char work[16] = "";
  unsigned long width = 0, examples = 0;
  if (std::sscanf(request, "%15[a-z],%lu,%lu", work, &width, &examples) != 3) return 2;
  if (std::strcmp(work, "kernel") == 0)
    kernel_once(width, examples);
  else if (std::strcmp(work, "step") == 0)
    three_steps(width, examples);
  else
    return 2;
  std::printf("%.0f\n", peak_bytes());
  return 0;
}
