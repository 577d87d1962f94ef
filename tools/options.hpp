#pragma once

#include <CLI/CLI.hpp>
#include <limits>
#include <ntape/data/source.hpp>
#include <ntape/kernel/kernel.hpp>
#include <ntape/model/architecture.hpp>
#include <optional>
#include <string>
#include <vector>

/// What several commands share: option groups, checks, and how CLI11's outcomes become ours.
namespace ntape::tools {

/// An app with ntape's own layout of help texts.
class Command : public CLI::App {
 public:
  Command(const std::string& description, const std::string& name);
};

/// Parses; returns an exit code when there is nothing more to do (help was asked for and printed).
/// Throws UserError for anything CLI11 refuses, for an option that is given twice and for an empty value.
[[nodiscard]] std::optional<int> parse(CLI::App& app, const std::vector<std::string>& arguments);

/// The long options among the arguments, "--width", in their order.
[[nodiscard]] std::vector<std::string> options_given(const std::vector<std::string>& arguments);

/// For an option of integers: decimal digits only, between the two. CLI11 alone takes -1 for 2^64 - 1, 010
/// for 8, and whatever is too large for the largest.
[[nodiscard]] CLI::Validator whole_number(std::int64_t least = 0,
                                          std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
/// For an option of doubles: a finite decimal number.
[[nodiscard]] CLI::Validator finite_number();

struct ModelOptions {
  Index depth = 4;
  std::vector<Index> widths = {64, 128, 256, 512};
  std::vector<Index> hidden;
  std::string activation = "relu";  ///< or one for each hidden layer, "relu,polynomial(1,0,0.5),tanh"
  double weight_scale = 1.0;
  double bias_scale = 0.1;
  bool residual = false, layer_norm = false;
  std::string parametrization = "ntk";
};
CLI::Option* add_depth(CLI::App& app, ModelOptions& model);
/// What the layers are: activation, scales, residual connections, normalization.
void add_layers(CLI::App& app, ModelOptions& model);
/// --parametrization: ntk, standard or mean_field.
void add_parametrization(CLI::App& app, ModelOptions& model);
/// The activations of a list, whose commas are those outside parentheses.
[[nodiscard]] std::vector<std::string> activations_of(const std::string& list);
/// Throws UserError, listing the known ones, for an unknown activation in a list.
void require_activations(const std::string& list);
/// "relu", "relu, tanh, relu with residual connections and layer norm", "relu, standard parametrization".
[[nodiscard]] std::string layers_in_words(const Architecture& architecture);

/// An architecture with hidden layers of equal width. Throws UserError when its parameters alone need more
/// memory than there is, before anything is made of that size.
[[nodiscard]] Architecture equal_architecture(const ModelOptions& model, Index inputs, Index width,
                                              Index outputs);
/// With model.hidden.
[[nodiscard]] Architecture explicit_architecture(const ModelOptions& model, Index inputs, Index outputs);

struct MachineOptions {
  std::string precision = "f64";
  int threads = 0;  ///< 0: as many as OpenMP would use
};
void add_precision(CLI::App& app, MachineOptions& machine);
void add_threads(CLI::App& app, MachineOptions& machine);
void apply_threads(const MachineOptions& machine);

struct TalkOptions {
  bool quiet = false, json = false;
};
void add_talk(CLI::App& app, TalkOptions& talk);

/// A rank-2 .npy file of finite numbers with at least one row and column, rounded to Real. Throws UserError.
template <class Real = double>
[[nodiscard]] Matrix<Real> read_inputs(const std::string& path);
/// The shape of such a file, without reading its numbers. Throws likewise, but for what numbers are.
[[nodiscard]] Shape inputs_shape(const std::string& path);

/// Throws UserError, naming both, when the inputs of `path` have not the columns that the `what` (
/// "inputs of 'x.npy'") have.
void require_columns(Shape inputs, const std::string& path, Index needed, const std::string& what);

/// Throws UserError when `path`, given by `option`, exists already or lies in no writable directory: nothing
/// is overwritten, and nothing is computed in vain.
void require_new_file(const std::string& path, const std::string& option);

}  // namespace ntape::tools
