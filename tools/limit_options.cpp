#include "limit_options.hpp"

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/limit/dual.hpp>

namespace ntape::tools {
namespace {

void add_questions(CLI::App& app, LimitCommandOptions& o) {
  app.add_option("--sphere", o.sphere, "eigenvalues on the sphere in dimension D")
      ->transform(whole_number(2, 10000))
      ->type_name("D")
      ->group("Questions");
  app.add_option("--angles", o.angles,
                 "the NTK at N equally spaced angles from 0 to pi, and its\npower series in the cosine")
      ->transform(whole_number(2, 1000000))
      ->type_name("N")
      ->group("Questions");
  app.add_option("--square", o.square, "|x|^2 / n_0 of inputs on the sphere")
      ->check(finite_number())
      ->type_name("X")
      ->group("Questions")
      ->capture_default_str();
  app.add_option("--degrees", o.degrees,
                 "of spherical harmonics, at most 2000, and of the series, at most\n1000")
      ->transform(whole_number(0, 2000))
      ->type_name("K")
      ->group("Questions")
      ->capture_default_str();
  app.add_flag("--check-positive", o.check_positive,
               "is the NTK positive definite, on the sphere and on the inputs")
      ->group("Questions");
  app.add_flag("--phase", o.phase, "what depth leads to, and after how many layers")->group("Questions");
}

// Those of networks, and more that have a dual alone.
void require_limit_activations(const std::string& list) {
  for (const std::string& name : activations_of(list)) {
    if (!limit::has_dual(name)) require_activations(name);
    if (!std::isfinite(limit::Dual(name)(1, 1, 1).slope))
      throw UserError("the NTK of '" + name +
                      "' is infinite where inputs are equal, because it jumps; one without jumps is needed");
  }
}

}  // namespace

void add_limit_options(CLI::App& app, LimitCommandOptions& o) {
  app.add_option("--inputs", o.inputs, "N1 x n_0; not needed for --sphere and --phase")
      ->type_name("X.npy")
      ->group("Data");
  app.add_option("--against", o.against, "N2 x n_0; default: the inputs themselves")
      ->type_name("Z.npy")
      ->group("Data");
  add_depth(app, o.model);
  add_layers(app, o.model);
  add_parametrization(app, o.model);
  app.add_option(
         "--width", o.width,
         "of hidden layers, which the NTK of standard and mean_field\nnetworks depends on: the leading "
         "order at it")
      ->transform(whole_number(1))
      ->type_name("N")
      ->group("Model");
  CLI::Option* activation = app.get_option("--activation");
  activation->description(activation->get_description() +
                          ".\nHere also exp, rbf(1), monomial(2), hermite(2), rectified_power(2)");
  app.add_option("--tolerance", o.limit.tolerance,
                 "how good duals without a closed form must be, relative; at most 1e-4")
      ->check(finite_number())
      ->type_name("X")
      ->group("Model")
      ->capture_default_str();
  add_threads(app, o.machine);
  add_memory(app, o.memory);
  app.add_flag("--layers", o.limit.layers, "also write ntk_layers, (L, N1, N2), which sum to ntk")
      ->group("Output");
  app.add_option("--out", o.out,
                 "a new file: ntk, nngp, and their bounds ntk_bound, nngp_bound;\nT.npy instead: the NTK "
                 "alone, written as it is made,\nhowever large; the same command continues it")
      ->type_name("T.npz")
      ->group("Output");
  app.add_option("--figure", o.figure,
                 "a new file, the NTK against the angle, and F-series.svg, its\ncoefficients; or .pdf, .png")
      ->type_name("F.svg")
      ->group("Output");
  add_talk(app, o.talk);
  add_questions(app, o);
  app.footer(
      "examples:\n"
      "  ntape limit --inputs X.npy --depth 4 --activation relu --bias-scale 0.1 --out T.npz\n"
      "  ntape limit --inputs X.npy --against Z.npy --activation tanh --tolerance 1e-8 --out T.npz\n"
      "  ntape limit --inputs X.npy --depth 20 --layers --out T.npz\n"
      "  ntape limit --inputs X.npy --memory 2GiB --out T.npy\n"
      "  ntape limit --depth 3 --activation gelu --residual --angles 181 --figure kappa.pdf\n"
      "  ntape limit --depth 3 --activation tanh --sphere 10 --degrees 40 --check-positive --phase");
}

bool streams(const LimitCommandOptions& o) {
  return o.out.ends_with(".npy");
}

// A complaint in CLI11's words: what is needed depends on what is asked.
void require_enough(const LimitCommandOptions& o) {
  const auto missing = [](const std::string& option, const std::string& reason) {
    return UserError(option + " is required" + reason + " (see ntape limit --help)");
  };
  const bool question = o.sphere > 0 || o.angles > 0 || !o.figure.empty();
  if (o.inputs.empty() && !question && !o.phase) throw missing("--inputs", "");
  if (o.inputs.empty() && !o.against.empty()) throw missing("--inputs", " for --against");
  if (o.inputs.empty() && o.check_positive && o.sphere == 0)
    throw missing("--inputs or --sphere", " for --check-positive");
  if (o.width == 0 && o.model.parametrization != "ntk")
    throw missing("--width", " for --parametrization " + o.model.parametrization);
  if (o.width > 0 && o.model.parametrization == "ntk")
    throw UserError("--width has no effect: the limit in the ntk parametrization depends on no hidden width");
  if (o.inputs.empty() && o.sphere == 0 && o.angles == 0 && !o.out.empty())
    throw missing("--inputs, --sphere or --angles", " for --out");
  if (!o.inputs.empty() && o.out.empty()) throw missing("--out", " with --inputs");
  if (streams(o) && o.inputs.empty()) throw missing("--inputs", " for a kernel in '" + o.out + "'");
  if (streams(o) && (o.limit.layers || o.sphere > 0 || o.angles > 0))
    throw UserError("--layers, --sphere and --angles write an archive, --out T.npz; '" + o.out +
                    "' takes the NTK alone");
  if (!o.out.empty() && !streams(o) && !o.out.ends_with(".npz"))
    throw UserError("--out is '" + o.out +
                    "', and a name that ends in .npz, or in .npy for the NTK alone, is needed");
  require_limit_activations(o.model.activation);
}

}  // namespace ntape::tools
