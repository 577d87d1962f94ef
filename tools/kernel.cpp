#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/kernel/empirical.hpp>

#include "commands.hpp"
#include "options.hpp"

namespace ntape::tools {
namespace {

struct KernelOptions {
  std::string inputs, against, weights, out, save_weights, form = "full";
  ModelOptions model;
  Index outputs = 1;
  std::uint64_t seed = 0;
  bool layer_shares = false, quiet = false, json = false;
  MachineOptions machine;
};

// W0, b0, W1, ...: W_l (n_{l+1}, n_l), b_l (n_{l+1},). The widths are read off the shapes.
template <class Real>
Parameters<Real> read_weights(const std::string& path) {
  const io::NpzReader file(path);
  Parameters<Real> theta;
  for (Index l = 0; file.has("W" + std::to_string(l)); ++l) {
    const std::string w = "W" + std::to_string(l), b = "b" + std::to_string(l);
    auto weight = io::to_matrix<Real>(file.read(w), path + ": " + w);
    auto column = io::to_column<Real>(file.read(b), path + ": " + b);
    Matrix<Real> bias = make_matrix<Real>(1, column.size());
    std::copy(column.begin(), column.end(), bias.begin());
    for (const auto* m : {&weight, &bias})
      if (!std::all_of(m->begin(), m->end(), [](Real v) { return std::isfinite(v); }))
        throw UserError(path + ": " + (m == &weight ? w : b) + " holds a value that is not finite");
    if (weight.size() == 0) throw UserError(path + ": " + w + " is empty");
    if (bias.shape(1) != weight.shape(0))
      throw UserError(path + ": " + b + " has " + std::to_string(bias.shape(1)) + " entries; " + w + ", " +
                      to_string(shape_of(weight)) + ", needs " + std::to_string(weight.shape(0)));
    if (l > 0 && weight.shape(1) != theta.entries[2 * l - 2].value.shape(0))
      throw UserError(path + ": " + w + " is " + to_string(shape_of(weight)) + "; after W" +
                      std::to_string(l - 1) + " it needs " +
                      std::to_string(theta.entries[2 * l - 2].value.shape(0)) + " columns");
    theta.entries.push_back({w, l, std::move(weight)});
    theta.entries.push_back({b, l, std::move(bias)});
  }
  if (theta.entries.empty())
    throw UserError(path + ": there is no array W0; weights are W0, b0, W1, b1, ...");
  if (file.names().size() != theta.entries.size())
    throw UserError(path + ": holds " + std::to_string(file.names().size()) +
                    " arrays, of which only W0, b0 to W" + std::to_string(theta.entries.size() / 2 - 1) +
                    ", b" + std::to_string(theta.entries.size() / 2 - 1) + " follow each other");
  return theta;
}

template <class Real>
void write_weights(const std::string& path, const Parameters<Real>& theta) {
  io::NpzWriter file(path);
  for (const auto& e : theta.entries) {
    const bool bias = e.name.starts_with("b");
    const std::vector<Index> shape =
        bias ? std::vector<Index>{e.value.size()} : std::vector<Index>{e.value.shape(0), e.value.shape(1)};
    file.add<Real>(e.name, shape, {e.value.data(), e.value.size()});
  }
  file.close();
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
    throw UserError(
        std::string("the ") + what +
        " overflowed to a value that is not finite; use smaller inputs or scales, or --precision f64");
}

template <class Real>
int run(const KernelOptions& o) {
  const Matrix<double> x64 = read_inputs(o.inputs);
  Architecture architecture{.widths = {},
                            .activation = o.model.activation,
                            .weight_scale = o.model.weight_scale,
                            .bias_scale = o.model.bias_scale};
  Parameters<Real> theta;
  if (!o.weights.empty()) {
    theta = read_weights<Real>(o.weights);
    architecture.widths.push_back(theta.entries.front().value.shape(1));
    for (Index e = 0; e < theta.entries.size(); e += 2)
      architecture.widths.push_back(theta.entries[e].value.shape(0));
  } else if (!o.model.hidden.empty()) {
    architecture.widths = o.model.hidden;
    architecture.widths.insert(architecture.widths.begin(), x64.shape(1));
    architecture.widths.push_back(o.outputs);
  } else {
    if (o.model.widths.size() != 1)
      throw UserError("kernel takes one --width, given " + std::to_string(o.model.widths.size()));
    architecture.widths = equal_widths(x64.shape(1), o.model.widths.front(), o.outputs, o.model.depth);
  }
  const Mlp<Real> model(architecture);
  if (o.weights.empty()) theta = model.initialize(Seed{o.seed});
  const auto narrow = [](const Matrix<double>& m) {
    Matrix<Real> r = make_matrix<Real>(m.shape(0), m.shape(1));
    for (Index k = 0; k < m.size(); ++k) r.data()[k] = static_cast<Real>(m.data()[k]);
    return r;
  };
  const Matrix<Real> x = narrow(x64);
  const KernelForm form = o.form == "full"       ? KernelForm::full
                          : o.form == "diagonal" ? KernelForm::diagonal
                                                 : KernelForm::trace;
  const auto kernels = o.against.empty()
                           ? empirical_kernels(model, theta, x, form)
                           : empirical_kernels(model, theta, x, narrow(read_inputs(o.against)), form);
  require_finite(kernels.ntk.values, "NTK");
  require_finite(kernels.nngp.values, "NNGP");
  require_finite(kernels.outputs, "outputs");

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
  if (!o.save_weights.empty()) write_weights(o.save_weights, theta);
  file.close();

  if (o.json) {
    const nlohmann::json facts = {{"out", o.out},
                                  {"widths", architecture.widths},
                                  {"parameters", architecture.parameter_count()},
                                  {"ntk_shape", file_shape(kernels.ntk)}};
    std::cout << facts.dump(2) << '\n';
  } else if (!o.quiet) {
    std::cout << o.out << ": NTK " << io::shape_text(file_shape(kernels.ntk)) << " of a network with "
              << architecture.parameter_count() << " parameters\n";
  }
  return 0;
}

}  // namespace

int kernel_command(const std::vector<std::string>& arguments) {
  KernelOptions o;
  o.model.widths = {512};
  CLI::App app("The empirical NTK and NNGP of one network, with its outputs.", "ntape kernel");
  app.add_option("--inputs", o.inputs, "X.npy, N1 x n_0")->required();
  app.add_option("--against", o.against, "Z.npy, N2 x n_0; default: the inputs themselves");
  auto* weights =
      app.add_option("--weights", o.weights, "W.npz with W0, b0, W1, ...; gives depth and widths");
  add_depth(app, o.model);
  auto* width =
      app.add_option("--width", o.model.widths, "hidden width")->delimiter(',')->capture_default_str();
  auto* hidden = app.add_option("--hidden", o.model.hidden, "hidden widths, e.g. 512,256")->delimiter(',');
  auto* outputs = app.add_option("--outputs", o.outputs, "outputs C")->capture_default_str();
  auto* seed = app.add_option("--seed", o.seed, "of the initialization")->capture_default_str();
  hidden->excludes(width)->excludes(app.get_option("--depth"));
  for (auto* other : {width, hidden, outputs, seed, app.get_option("--depth")}) weights->excludes(other);
  add_scales(app, o.model);
  app.add_option("--kernel", o.form, "full, diagonal, or trace (averaged over outputs)")
      ->check(CLI::IsMember({"full", "diagonal", "trace"}))
      ->capture_default_str();
  app.add_flag("--layer-shares", o.layer_shares, "also write ntk_layers, which sum to ntk");
  add_precision(app, o.machine);
  add_threads(app, o.machine);
  app.add_option("--out", o.out, "K.npz: ntk, nngp, outputs [, ntk_layers]")->required();
  app.add_option("--save-weights", o.save_weights, "W.npz: the weights used");
  app.add_flag("--quiet", o.quiet, "print nothing");
  app.add_flag("--json", o.json, "print a JSON summary");
  app.footer(
      "examples:\n"
      "  ntape kernel --inputs X.npy --depth 4 --width 512 --seed 7 --out K.npz\n"
      "  ntape kernel --inputs X.npy --against Z.npy --weights W.npz --kernel trace --out K.npz");
  if (const auto code = parse(app, arguments)) return *code;
  apply_threads(o.machine);
  require_new_file(o.out);
  if (!o.save_weights.empty()) require_new_file(o.save_weights);
  return o.machine.precision == "f32" ? run<float>(o) : run<double>(o);
}

}  // namespace ntape::tools
