#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/io/npy_stream.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/kernel/empirical.hpp>
#include <type_traits>

#include "commands.hpp"
#include "interrupt.hpp"
#include "kernel_options.hpp"
#include "kernel_stream.hpp"
#include "overflow.hpp"
#include "weights.hpp"

namespace ntape::tools {
namespace {

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
std::vector<Index> shape_in_file(const Kernel<Real>& k) {
  return file_shape(k.form, k.rows(), k.cols(), k.outputs);
}

template <class Real>
void require_finite(const Matrix<Real>& m, const char* what) {
  if (!all_finite(m)) throw overflow(what, std::is_same_v<Real, float> ? ", or --precision f64" : "");
}

// Both files or none.
template <class Real>
void write_files(const KernelCommandOptions& o, const EmpiricalKernels<Real>& kernels,
                 const Parameters<Real>& theta) {
  const SignalsHeld held;
  io::NpzWriter file(o.out);
  // The archive refers to these until it is closed.
  std::vector<Real> values, shares;
  values.reserve(kernels.ntk.values.size());
  append_values(kernels.ntk, values);
  file.refer<Real>("ntk", shape_in_file(kernels.ntk), values);
  const auto refer = [&file](const char* name, const Matrix<Real>& m) {
    file.refer<Real>(name, {m.shape(0), m.shape(1)}, {m.data(), m.size()});
  };
  refer("nngp", kernels.nngp.values);
  refer("outputs", kernels.outputs);
  if (o.layer_shares) {
    shares.reserve(kernels.ntk.values.size() * kernels.layers.size());
    for (const auto& layer : kernels.layers) append_values(layer, shares);
    std::vector<Index> shape = shape_in_file(kernels.ntk);
    shape.insert(shape.begin(), kernels.layers.size());
    file.refer<Real>("ntk_layers", shape, shares);
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

// Inputs whose shape is known before there is memory for them; of a pipe, which cannot be read twice, they
// are there at once.
template <class Real>
struct Inputs {
  explicit Inputs(const std::string& file) : path(file) {
    if (io::is_regular(path)) {
      shape = inputs_shape(path);
    } else {
      values = read_inputs<Real>(path);
      shape = shape_of(*values);
    }
  }
  Matrix<Real> take() { return values ? std::move(*values) : read_inputs<Real>(path); }

  std::string path;
  std::optional<Matrix<Real>> values;
  Shape shape;
};

template <class Real>
int run(const KernelCommandOptions& o, Interrupts* interrupts) {
  // What cannot fit is refused before it is read.
  Inputs<Real> inputs(o.inputs);
  std::vector<Index> given;
  if (!o.weights.empty()) {
    given = weight_widths(o.weights);
    require_columns(inputs.shape, o.inputs, given.front(), "weights W0 of '" + o.weights + "'");
  }
  const Mlp<Real> model(architecture_of(o, inputs.shape.cols, given));
  const Architecture& architecture = model.architecture();
  std::optional<Inputs<Real>> others;
  if (!o.against.empty()) {
    others.emplace(o.against);
    require_columns(others->shape, o.against, inputs.shape.cols, "inputs of '" + o.inputs + "'");
  }
  const KernelPlan plan = plan_of(o, architecture, inputs.shape.rows, others ? others->shape.rows : 0);
  const Matrix<Real> x = inputs.take();
  Parameters<Real> theta;
  if (!o.weights.empty()) theta = read_weights<Real>(o.weights);
  std::optional<Matrix<Real>> z;
  if (others) z = others->take();
  if (o.explain) explain(plan, o.talk.json ? std::cerr : std::cout);
  if (o.weights.empty()) theta = model.initialize(Seed{o.seed});
  if (streams(o)) {
    stream_kernel(o, model, theta, x, z ? *z : x, plan, *interrupts);
  } else {
    const KernelForm form = plan.request.form;
    auto kernels =
        z ? empirical_kernels(model, theta, x, *z, form) : empirical_kernels(model, theta, x, form);
    if (!o.layer_shares) kernels.layers.clear();
    require_finite(kernels.ntk.values, "NTK");
    require_finite(kernels.nngp.values, "NNGP");
    require_finite(kernels.outputs, "outputs");
    write_files(o, kernels, theta);
  }
  const auto shape =
      file_shape(plan.request.form, plan.request.n1, plan.request.n2, architecture.widths.back());
  if (o.talk.json) {
    const nlohmann::json facts = {{"out", o.out},
                                  {"widths", architecture.widths},
                                  {"parameters", architecture.parameter_count()},
                                  {"ntk_shape", shape}};
    std::cout << facts.dump(2) << '\n';
  } else if (!o.talk.quiet) {
    std::cout << o.out << ": NTK " << io::shape_text(shape) << " of a network with "
              << architecture.parameter_count() << " parameters\n";
  }
  return 0;
}

}  // namespace

int kernel_command(const std::vector<std::string>& arguments) {
  KernelCommandOptions o;
  o.model.widths = {512};
  Command app("The empirical NTK and NNGP of one network, with its outputs.", "ntape kernel");
  add_kernel_options(app, o, false);
  app.footer(
      "examples:\n"
      "  ntape kernel --inputs X.npy --depth 4 --width 512 --seed 7 --out K.npz\n"
      "  ntape kernel --inputs X.npy --against Z.npy --weights W.npz --kernel trace --out K.npz\n"
      "  ntape kernel --inputs X.npy --hidden 512,256 --outputs 10 --layer-shares --out K.npz\n"
      "  ntape kernel --inputs X.npy --precision f32 --memory 2GiB --explain --out K.npy");
  if (const auto code = parse(app, arguments)) return *code;
  std::optional<Interrupts> interrupts;
  Interrupts* const waiting = streams(o) ? &interrupts.emplace() : nullptr;
  apply_threads(o.machine);
  require_activations(o.model.activation);
  (void)budget_of(o.memory);
  require_new_file(o.out, "--out");
  require_kernel_file(o);
  if (!o.save_weights.empty()) {
    require_new_file(o.save_weights, "--save-weights");
    const auto place = [](const std::filesystem::path& path) {
      return std::filesystem::weakly_canonical(std::filesystem::absolute(path));
    };
    if (place(o.out) == place(o.save_weights))
      throw UserError("--out and --save-weights name the same file '" + o.out + "', and two are needed");
    for (const auto& used : io::NpyStream::beside(o.out))
      if (streams(o) && place(used) == place(o.save_weights))
        throw UserError("--save-weights names '" + o.save_weights + "', which --out '" + o.out +
                        "' uses until it is finished; another file is needed");
  }
  return o.machine.precision == "f32" ? run<float>(o, waiting) : run<double>(o, waiting);
}

}  // namespace ntape::tools
