#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/run/memory.hpp>
#include <type_traits>

#include "commands.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "weights.hpp"

namespace ntape::tools {
namespace {

struct KernelOptions {
  std::string inputs, against, weights, out, save_weights, form = "full";
  ModelOptions model;
  Index outputs = 1;
  std::uint64_t seed = 0;
  bool layer_shares = false;
  MachineOptions machine;
  TalkOptions talk;
};

void add_options(CLI::App& app, KernelOptions& o) {
  app.add_option("--inputs", o.inputs, "N1 x n_0")->required()->type_name("X.npy")->group("Data");
  app.add_option("--against", o.against, "N2 x n_0; default: the inputs themselves")
      ->type_name("Z.npy")
      ->group("Data");
  auto* weights = app.add_option("--weights", o.weights, "W0, b0, W1, ...: they give depth and widths")
                      ->type_name("W.npz")
                      ->group("Model");
  auto* depth = add_depth(app, o.model);
  auto* width = app.add_option("--width", o.model.widths, "of every hidden layer")
                    ->transform(whole_number(1))
                    ->expected(1)
                    ->type_name("N")
                    ->group("Model")
                    ->default_str("512");
  auto* hidden =
      app.add_option("--hidden", o.model.hidden, "one explicit shape instead of --depth and --width")
          ->transform(whole_number(1))
          ->delimiter(',')
          ->type_name("N,M,...")
          ->group("Model");
  auto* outputs = app.add_option("--outputs", o.outputs, "how many")
                      ->transform(whole_number(1))
                      ->type_name("C")
                      ->group("Model")
                      ->capture_default_str();
  auto* seed = app.add_option("--seed", o.seed, "of the initialization")
                   ->transform(whole_number())
                   ->type_name("S")
                   ->group("Model")
                   ->capture_default_str();
  hidden->excludes(width)->excludes(depth);
  for (auto* other : {width, hidden, outputs, seed, depth}) weights->excludes(other);
  add_scales(app, o.model);
  app.add_option("--kernel", o.form, "full, diagonal, or trace (averaged over outputs)")
      ->check(CLI::IsMember({"full", "diagonal", "trace"}).description(""))
      ->type_name("FORM")
      ->group("Output")
      ->capture_default_str();
  app.add_flag("--layer-shares", o.layer_shares, "also write ntk_layers, which sum to ntk")->group("Output");
  add_precision(app, o.machine);
  add_threads(app, o.machine);
  app.add_option("--out", o.out, "a new file: ntk, nngp, outputs [, ntk_layers]")
      ->required()
      ->type_name("K.npz")
      ->group("Output");
  app.add_option("--save-weights", o.save_weights, "a new file: the weights used")
      ->type_name("W.npz")
      ->group("Output");
  add_talk(app, o.talk);
  app.footer(
      "examples:\n"
      "  ntape kernel --inputs X.npy --depth 4 --width 512 --seed 7 --out K.npz\n"
      "  ntape kernel --inputs X.npy --against Z.npy --weights W.npz --kernel trace --out K.npz\n"
      "  ntape kernel --inputs X.npy --hidden 512,256 --outputs 10 --layer-shares --out K.npz");
}

// The library keeps [N1 C x N2 C] and [C N1 x N2]; files have (N1, N2, C, C) and (N1, N2, C).
template <class Real>
void append_values(const Kernel<Real>& k, std::vector<Real>& out) {
  const Index n1 = k.rows(), n2 = k.cols(), outputs = k.outputs;
  for (Index n = 0; n < n1; ++n)
    for (Index m = 0; m < n2; ++m) {
      if (k.form == KernelForm::trace) {
        out.push_back(k.values(n, m));
        continue;
      }
      for (Index c = 0; c < outputs; ++c) {
        if (k.form == KernelForm::diagonal) out.push_back(k.values(c * n1 + n, m));
        for (Index d = 0; d < outputs && k.form == KernelForm::full; ++d)
          out.push_back(k.values(n * outputs + c, m * outputs + d));
      }
    }
}

template <class Real>
std::vector<Index> file_shape(const Kernel<Real>& k) {
  std::vector<Index> shape = {k.rows(), k.cols()};
  if (k.form != KernelForm::trace) shape.push_back(k.outputs);
  if (k.form == KernelForm::full) shape.push_back(k.outputs);
  return shape;
}

template <class Real>
void require_finite(const Matrix<Real>& m, const char* what) {
  if (!std::all_of(m.begin(), m.end(), [](Real v) { return std::isfinite(v); }))
    throw UserError(std::string("the ") + what +
                    " overflowed to a value that is not finite; smaller inputs or scales are needed" +
                    (std::is_same_v<Real, float> ? ", or --precision f64" : ""));
}

template <class Real>
Matrix<Real> rounded(const Matrix<double>& m) {
  Matrix<Real> r = make_matrix<Real>(m.shape(0), m.shape(1));
  std::transform(m.begin(), m.end(), r.begin(), [](double v) { return static_cast<Real>(v); });
  return r;
}

template <class Real>
Architecture architecture_of(const KernelOptions& o, Index inputs, const Parameters<Real>& given) {
  if (given.entries.empty())
    return o.model.hidden.empty() ? equal_architecture(o.model, inputs, o.model.widths.front(), o.outputs)
                                  : explicit_architecture(o.model, inputs, o.outputs);
  return architecture_of_weights(o.model, given);
}

// From below: parameters, two evaluations with their cotangents, the layers' kernels and what is written.
template <class Real>
void require_kernel_memory(const Architecture& a, KernelForm form, Index n1, Index n2) {
  const auto real = [](Index n) { return static_cast<double>(n); };
  const double outputs = real(a.widths.back());
  double parameters = 0, units = 0;
  for (Index l = 0; l < a.depth(); ++l) {
    parameters += (real(a.widths[l]) + 1) * real(a.widths[l + 1]);
    units += real(a.widths[l + 1]);
  }
  const double pairs = form == KernelForm::full       ? outputs * outputs
                       : form == KernelForm::diagonal ? outputs
                                                      : 1;
  run::require_memory(
      sizeof(Real) * (parameters + real(n1) * units * (2 + outputs) + 2 * real(n1) * real(n2) * pairs),
      "networks and data of this size");
}

// Both files or none.
template <class Real>
void write_files(const KernelOptions& o, const EmpiricalKernels<Real>& kernels,
                 const Parameters<Real>& theta) {
  const SignalsHeld held;
  io::NpzWriter file(o.out);
  std::vector<Real> values;
  append_values(kernels.ntk, values);
  file.add<Real>("ntk", file_shape(kernels.ntk), values);
  file.add("nngp", kernels.nngp.values);
  file.add("outputs", kernels.outputs);
  if (o.layer_shares) {
    values.clear();
    for (const auto& layer : kernels.layers) append_values(layer, values);
    std::vector<Index> shape = file_shape(kernels.ntk);
    shape.insert(shape.begin(), kernels.layers.size());
    file.add<Real>("ntk_layers", shape, values);
  }
  if (o.save_weights.empty()) return file.close();
  io::NpzWriter weights(o.save_weights);
  add_weights(weights, theta);
  weights.close();
  try {
    file.close();
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(o.save_weights, ignored);
    throw;
  }
}

template <class Real>
int run(const KernelOptions& o) {
  const Matrix<double> x64 = read_inputs(o.inputs);
  Parameters<Real> theta;
  if (!o.weights.empty()) {
    theta = read_weights<Real>(o.weights);
    require_columns(x64, o.inputs, theta.entries.front().value.shape(1),
                    "the weights W0 of '" + o.weights + "'");
  }
  const Mlp<Real> model(architecture_of(o, x64.shape(1), theta));
  const Architecture& architecture = model.architecture();
  const KernelForm form = o.form == "full"       ? KernelForm::full
                          : o.form == "diagonal" ? KernelForm::diagonal
                                                 : KernelForm::trace;
  std::optional<Matrix<Real>> z;
  if (!o.against.empty()) {
    const Matrix<double> z64 = read_inputs(o.against);
    require_columns(z64, o.against, x64.shape(1), "those of '" + o.inputs + "'");
    z = rounded<Real>(z64);
  }
  const Matrix<Real> x = rounded<Real>(x64);
  require_kernel_memory<Real>(architecture, form, x.shape(0), z ? z->shape(0) : x.shape(0));
  if (o.weights.empty()) theta = model.initialize(Seed{o.seed});
  const auto kernels =
      z ? empirical_kernels(model, theta, x, *z, form) : empirical_kernels(model, theta, x, form);
  require_finite(kernels.ntk.values, "NTK");
  require_finite(kernels.nngp.values, "NNGP");
  require_finite(kernels.outputs, "outputs");
  write_files(o, kernels, theta);

  if (o.talk.json) {
    const nlohmann::json facts = {{"out", o.out},
                                  {"widths", architecture.widths},
                                  {"parameters", architecture.parameter_count()},
                                  {"ntk_shape", file_shape(kernels.ntk)}};
    std::cout << facts.dump(2) << '\n';
  } else if (!o.talk.quiet) {
    std::cout << o.out << ": NTK " << io::shape_text(file_shape(kernels.ntk)) << " of a network with "
              << architecture.parameter_count() << " parameters\n";
  }
  return 0;
}

}  // namespace

int kernel_command(const std::vector<std::string>& arguments) {
  KernelOptions o;
  o.model.widths = {512};
  Command app("The empirical NTK and NNGP of one network, with its outputs.", "ntape kernel");
  add_options(app, o);
  if (const auto code = parse(app, arguments)) return *code;
  apply_threads(o.machine);
  require_activation(o.model.activation);
  require_new_file(o.out, "--out");
  if (!o.save_weights.empty()) {
    require_new_file(o.save_weights, "--save-weights");
    const auto place = [](const std::string& path) {
      return std::filesystem::weakly_canonical(std::filesystem::absolute(path));
    };
    if (place(o.out) == place(o.save_weights))
      throw UserError("--out and --save-weights name the same file '" + o.out + "', and two are needed");
  }
  return o.machine.precision == "f32" ? run<float>(o) : run<double>(o);
}

}  // namespace ntape::tools
