#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/kernel/lanczos.hpp>
#include <ntape/kernel/spectrum.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/run/progress.hpp>
#include <ntape/run/table.hpp>
#include <optional>

#include "commands.hpp"
#include "data_options.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "weights.hpp"

namespace ntape::tools {
namespace {

struct SpectrumCommandOptions {
  data::SourceOptions source;
  std::uint64_t data_seed = 0;
  std::string weights, against, out;
  ModelOptions model;
  Index outputs = 1, top = 10;
  std::uint64_t seed = 0;
  double tolerance = 0;
  bool kernel_pca = false;
  MachineOptions machine;
  TalkOptions talk;
};

void add_options(CLI::App& app, SpectrumCommandOptions& o) {
  add_data(app, o.source, o.data_seed);
  auto* weights = app.add_option("--weights", o.weights, "W0, b0, W1, ...: they give depth and widths")
                      ->type_name("W.npz");
  auto* depth = add_depth(app, o.model);
  auto* width = app.add_option("--width", o.model.widths, "of every hidden layer")
                    ->transform(whole_number(1))
                    ->expected(1)
                    ->type_name("N")
                    ->default_str("512");
  auto* hidden =
      app.add_option("--hidden", o.model.hidden, "one explicit shape instead of --depth and --width")
          ->transform(whole_number(1))
          ->delimiter(',')
          ->type_name("N,M,...");
  auto* outputs = app.add_option("--outputs", o.outputs, "how many")
                      ->transform(whole_number(1))
                      ->type_name("C")
                      ->capture_default_str();
  auto* seed = app.add_option("--seed", o.seed, "of the initialization")
                   ->transform(whole_number())
                   ->type_name("S")
                   ->capture_default_str();
  hidden->excludes(width)->excludes(depth);
  for (auto* other : {width, hidden, outputs, seed, depth}) weights->excludes(other);
  for (auto* option : {weights, width, hidden, outputs, seed}) option->group("Model");
  add_layers(app, o.model);
  app.add_option("--top", o.top, "how many eigenpairs")
      ->transform(whole_number(1))
      ->type_name("K")
      ->group("Spectrum")
      ->capture_default_str();
  app.add_option("--tolerance", o.tolerance,
                 "of a residual over the largest eigenvalue;\ndefault: 1e-10, or 1e-5 in f32")
      ->check(finite_number())
      ->type_name("X")
      ->group("Spectrum");
  auto* pca = app.add_flag("--kernel-pca", o.kernel_pca,
                           "also write components (K, N, C), of unit norm in\n<.,.>_pin = 1/N sum_n")
                  ->group("Spectrum");
  app.add_option("--against", o.against, "with --kernel-pca: the components there, too, (K, M, C)")
      ->type_name("Z.npy")
      ->group("Spectrum")
      ->needs(pca);
  add_precision(app, o.machine);
  add_threads(app, o.machine);
  app.add_option("--out", o.out, "a new file: eigenvalues, residuals [, components]")
      ->type_name("S.npz")
      ->group("Output");
  add_talk(app, o.talk);
  app.footer(
      "examples:\n"
      "  ntape spectrum --data fashion-mnist --examples 2000 --width 1024 --top 20\n"
      "  ntape spectrum --data fashion-mnist --examples 60000 --width 1024 --top 10 --precision f32\n"
      "  ntape spectrum --inputs X.npy --weights W.npz --top 5 --kernel-pca --against Z.npy --out S.npz");
}

template <class Real>
Matrix<Real> in_precision(Matrix<double>&& m) {
  if constexpr (std::is_same_v<Real, double>) {
    return std::move(m);
  } else {
    Matrix<Real> r = make_matrix<Real>(m.shape(0), m.shape(1));
    std::transform(m.begin(), m.end(), r.begin(), [](double v) { return static_cast<Real>(v); });
    m = Matrix<double>();
    return r;
  }
}

// `given`: the widths of the weights, where there are some.
Architecture architecture_of(const SpectrumCommandOptions& o, Index inputs, const std::vector<Index>& given) {
  if (!given.empty()) return architecture_of_weights(o.model, given);
  return o.model.hidden.empty() ? equal_architecture(o.model, inputs, o.model.widths.front(), o.outputs)
                                : explicit_architecture(o.model, inputs, o.outputs);
}

// Parameters, their tangents and what is pulled back; a block's values, cotangents and tangents; vectors of
// Lanczos and those found. Where a basis would be as large as the kernel: the kernel, its eigenvectors, and
// the workspace of LAPACK, twice as large, instead.
template <class Real>
void require_spectrum_memory(const Architecture& a, Index examples, Index top) {
  const auto real = [](Index n) { return static_cast<double>(n); };
  double units = 0;
  for (Index l = 1; l < a.widths.size(); ++l) units += real(a.widths[l]);
  const double block = std::min(real(examples), real(KernelOperator<Real>::kBlock));
  const double rows = real(examples) * real(a.widths.back());
  const bool formed = real(lanczos_vectors(top)) >= rows;
  const double vectors = formed ? 4 * rows : real(lanczos_vectors(top) + top);
  run::require_memory(
      sizeof(Real) * (3 * real(a.parameter_count()) + block * (6 * units + real(a.widths.front()))) +
          sizeof(double) * vectors * rows,
      formed ? "so many eigenpairs of a kernel of this size, which is formed for them,"
             : "the spectrum of a kernel of this network and data");
}

template <class Real>
void write_file(const SpectrumCommandOptions& o, const LeadingSpectrum& s, KernelOperator<Real>& kernel,
                const std::optional<Matrix<Real>>& z) {
  const Index found = s.values.size(), outputs = kernel.outputs();
  io::NpzWriter file(o.out);
  file.add<double>("eigenvalues", {found}, s.values);
  file.add<double>("residuals", {found}, s.residuals);
  if (o.kernel_pca) {
    const auto components = principal_components(s, kernel.examples());
    file.add<double>("components", {found, kernel.examples(), outputs},
                     {components.data(), components.size()});
  }
  if (z) {
    const auto there = principal_components_at(s, kernel, *z);
    file.add<double>("components_against", {found, z->shape(0), outputs}, {there.data(), there.size()});
  }
  const SignalsHeld held;
  file.close();
}

bool converged(const LeadingSpectrum& s, Index k) {
  return std::find(s.unconverged.begin(), s.unconverged.end(), k) == s.unconverged.end();
}

void print_table(const LeadingSpectrum& s, double seconds) {
  std::printf("   k   eigenvalue of Theta/N   residual\n");
  std::printf("----------------------------------------\n");
  for (Index k = 0; k < s.values.size(); ++k)
    std::printf("%4zu   %21.12g   %8.1e%s\n", k + 1, s.values[k], s.residuals[k],
                converged(s, k) ? "" : "   not converged");
  std::printf("\n%zu kernel-vector products, %.1f s\n", s.products, seconds);
}

// Residuals are known to about eps of the precision: the vectors are rounded to it before they are
// multiplied.
template <class Real>
void warn_of(const LeadingSpectrum& s, const SpectrumOptions& options) {
  const auto few_digits = [](double value) { return run::significant(value, 2); };
  if (!s.unconverged.empty()) {
    const double eps = std::numeric_limits<Real>::epsilon();
    const double worst = *std::max_element(s.residuals.begin(), s.residuals.end());
    std::cerr << "ntape: warning: " << s.unconverged.size() << " of " << s.values.size()
              << " eigenpairs did not converge: residuals are up to "
              << few_digits(worst / std::abs(s.values.front()))
              << " of the largest eigenvalue, and the tolerance is " << few_digits(options.tolerance);
    if (options.tolerance < 4 * eps)
      std::cerr << ", about the rounding of this precision (" << few_digits(eps) << ") or less";
    std::cerr << '\n';
  }
  if (!s.complete)
    std::cerr << "ntape: warning: after " << s.products
              << " kernel-vector products the search was stopped: eigenvalues may be missing\n";
}

// Targets play no part here: .npy inputs need none.
Matrix<double> inputs_of(const SpectrumCommandOptions& o) {
  if (!o.source.inputs.empty() && o.source.targets.empty()) return read_inputs(o.source.inputs);
  data::SourceOptions source = o.source;
  source.seed = Seed{o.data_seed};
  return std::move(data::load(source).x);
}

std::string name_of_data(const SpectrumCommandOptions& o) {
  return !o.source.inputs.empty() ? o.source.inputs : o.source.spec.empty() ? "--data" : o.source.spec;
}

template <class Real>
int run(const SpectrumCommandOptions& o) {
  const Matrix<Real> x = in_precision<Real>(inputs_of(o));
  Parameters<Real> theta;
  std::vector<Index> given;
  if (!o.weights.empty()) {
    given = weight_widths(o.weights);
    theta = read_weights<Real>(o.weights);
    require_columns(shape_of(x), name_of_data(o), given.front(), "weights W0 of '" + o.weights + "'");
  }
  std::optional<Matrix<Real>> z;
  if (!o.against.empty()) {
    z = in_precision<Real>(read_inputs(o.against));
    require_columns(shape_of(*z), o.against, x.shape(1), "inputs of '" + name_of_data(o) + "'");
  }
  const Mlp<Real> model(architecture_of(o, x.shape(1), given));
  require_spectrum_memory<Real>(model.architecture(), x.shape(0), o.top);
  if (o.weights.empty()) theta = model.initialize(Seed{o.seed});

  const auto started = std::chrono::steady_clock::now();
  const bool talk = !o.talk.quiet && !o.talk.json;
  KernelOperator<Real> kernel(model, theta, x);
  SpectrumOptions options{.top = o.top};
  options.tolerance = o.tolerance > 0 ? o.tolerance : std::is_same_v<Real, float> ? 1e-5 : 1e-10;
  // How many products it takes is not known beforehand: they are counted, a line each few seconds.
  double last = 0;
  const auto since = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  };
  options.on_product = [&](Index products) {
    if (!talk || since() < last + 5) return;
    last = since();
    std::fprintf(stderr, "%zu kernel-vector products, %.1f s each\n", products,
                 last / static_cast<double>(products));
  };
  const LeadingSpectrum s = leading_spectrum(kernel, options);
  if (!o.out.empty()) write_file(o, s, kernel, z);
  warn_of<Real>(s, options);
  if (o.talk.json) {
    std::vector<bool> each;
    for (Index k = 0; k < s.values.size(); ++k) each.push_back(converged(s, k));
    const nlohmann::json facts = {{"out", o.out},
                                  {"examples", kernel.examples()},
                                  {"widths", model.architecture().widths},
                                  {"eigenvalues", s.values},
                                  {"residuals", s.residuals},
                                  {"products", s.products},
                                  {"converged", s.converged()},
                                  {"complete", s.complete},
                                  {"pairs_converged", each},
                                  {"seconds", since()}};
    std::cout << facts.dump(2) << '\n';
  } else if (talk) {
    print_table(s, since());
  }
  return 0;
}

}  // namespace

int spectrum_command(const std::vector<std::string>& arguments) {
  SpectrumCommandOptions o;
  o.model.widths = {512};
  Command app("Leading eigenpairs of Theta/N of one network, matrix-free.", "ntape spectrum");
  add_options(app, o);
  if (const auto code = parse(app, arguments)) return *code;
  Interrupts interrupts;
  apply_threads(o.machine);
  require_activations(o.model.activation);
  if (app.count("--tolerance") > 0 && !(o.tolerance > 0))
    throw UserError("--tolerance is " + run::significant(o.tolerance, 6) +
                    ", and a positive number is needed");
  if (o.kernel_pca && o.out.empty()) throw UserError("--kernel-pca needs --out, where the components go");
  if (!o.out.empty()) require_new_file(o.out, "--out");
  return o.machine.precision == "f32" ? run<float>(o) : run<double>(o);
}

}  // namespace ntape::tools
