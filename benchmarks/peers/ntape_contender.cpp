// ntape's side of the comparison.
//   ntape-contender draw DIR N n_0 n_1 ...   writes the problem that all contenders read
//   ntape-contender DIR METHOD FORM          measures; METHOD: recorded, one-shot, kept, step; FORM: full,
//   trace

#include <filesystem>
#include <memory>
#include <ntape/base/errors.hpp>
#include <ntape/io/npy.hpp>
#include <ntape/run/blas_kernel.hpp>
#include <ntape/run/memory.hpp>

#include "../machine.hpp"
#include "../workload.hpp"
#include "contender.hpp"

namespace {

using namespace workload;
using std::filesystem::path;

constexpr Index kSavedSteps = 5;
constexpr double kSavedRate = 1;

void draw(const path& directory, Index examples, const std::vector<Index>& widths) {
  const Mlp<float> model({.widths = widths});
  for (const auto& entry : model.initialize(Seed{1}).entries) {
    std::vector<Index> shape = {entry.value.shape(0), entry.value.shape(1)};
    if (entry.name.starts_with("b")) shape.erase(shape.begin());
    io::write_npy<float>(directory / (entry.name + ".npy"), shape,
                         std::span<const float>(entry.value.data(), entry.value.size()));
  }
  io::write_npy(directory / "x.npy", normal_matrix<float>(examples, widths.front(), 3));
  io::write_npy(directory / "y.npy", normal_matrix<float>(examples, widths.back(), 4));
}

template <class Real>
struct Problem {
  Architecture network;
  Parameters<Real> theta;
  data::Dataset<Real> data;
};

template <class Real>
Problem<Real> read_problem(const path& directory) {
  Problem<Real> p;
  p.data.x = io::read_npy_matrix<Real>(directory / "x.npy");
  p.data.y = io::read_npy_matrix<Real>(directory / "y.npy");
  p.network.widths = {p.data.x.shape(1)};
  for (Index l = 0; std::filesystem::exists(directory / ("W" + std::to_string(l) + ".npy")); ++l) {
    const std::string w = "W" + std::to_string(l), b = "b" + std::to_string(l);
    p.theta.entries.push_back({w, l, io::read_npy_matrix<Real>(directory / (w + ".npy"))});
    const auto bias = io::read_npy(directory / (b + ".npy"));
    auto row = make_matrix<Real>(1, bias.values.size());
    for (Index k = 0; k < row.size(); ++k) row.data()[k] = static_cast<Real>(bias.values[k]);
    p.theta.entries.push_back({b, l, row});
    p.network.widths.push_back(row.size());
  }
  return p;
}

// The kernel, or the outputs after a few steps.
template <class Real>
Matrix<Real> result(const path& directory, const std::string& method, KernelForm form) {
  auto p = read_problem<Real>(directory);
  const Mlp<Real> model(p.network);
  if (method == "step") {
    gradient_descent(model, p.theta, p.data, {.rate = kSavedRate, .steps = kSavedSteps});
    return evaluate(model, p.theta, p.data.x);
  }
  if (method == "one-shot" || method == "kept") return empirical_ntk(model, p.theta, p.data.x, form).values;
  Recorded<Real> r(p.network, p.theta, p.data.x);
  (void)r.kernel(form);
  return r.last;
}

contender::Work work_of(const path& directory, const std::string& method, KernelForm form) {
  contender::Work work;
  work.save = [=](const std::string& file, bool f64) {
    if (f64)
      io::write_npy(file, result<double>(directory, method, form));
    else
      io::write_npy(file, result<float>(directory, method, form));
  };
  const auto p = std::make_shared<const Problem<float>>(read_problem<float>(directory));
  const auto model = std::make_shared<const Mlp<float>>(p->network);
  if (method == "recorded") {
    const auto r = std::make_shared<Recorded<float>>(p->network, p->theta, p->data.x);
    work.seconds = [=](long times) {
      const double start = now();
      for (long k = 0; k < times; ++k) (void)r->kernel(form);
      return now() - start;
    };
  } else if (method == "one-shot" || method == "kept") {
    if (method == "kept") (void)run::keep_freed_memory(std::size_t{1} << 30);
    work.seconds = [=](long times) {
      const double start = now();
      for (long k = 0; k < times; ++k) (void)empirical_ntk(*model, p->theta, p->data.x, form);
      return now() - start;
    };
  } else if (method == "step") {
    work.seconds = [=](long times) {
      return static_cast<double>(times) *
             step_seconds(*model, p->theta, p->data, static_cast<Index>(times), false);
    };
  } else {
    throw UserError("there is no method '" + method + "': choose recorded, one-shot, kept or step");
  }
  return work;
}

int answer(const std::vector<std::string>& words) {
  if (words.size() >= 5 && words[0] == "draw") {
    std::vector<Index> widths;
    for (std::size_t k = 3; k < words.size(); ++k) widths.push_back(std::stoul(words[k]));
    draw(words[1], std::stoul(words[2]), widths);
    return 0;
  }
  if (words.size() != 3 || (words[2] != "full" && words[2] != "trace"))
    throw UserError("usage: ntape-contender draw DIR N n_0 n_1 ... | DIR METHOD full|trace");
  const KernelForm form = words[2] == "full" ? KernelForm::full : KernelForm::trace;
  contender::serve(work_of(words[0], words[1], form), to_json(describe_machine()).dump());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  ntape::run::restart_with_better_blas_kernel(argv);
  try {
    return answer({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "ntape-contender: %s\n", e.what());
    return 2;
  }
}
