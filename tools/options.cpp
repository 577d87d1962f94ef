#include "options.hpp"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <ntape/base/errors.hpp>
#include <ntape/io/npy.hpp>
#include <ntape/ops/activation.hpp>
#include <ntape/run/memory.hpp>
#include <ntape/study/drift_memory.hpp>

namespace ntape::tools {
namespace {

// "--width N,... [64,128]": no types, no lists of what excludes what; the descriptions say it.
class HelpLayout final : public CLI::Formatter {
 public:
  HelpLayout() { column_width(26); }
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text;
    if (!option->get_type_name().empty()) text += " " + option->get_type_name();
    const std::string& preset = option->get_default_str();
    if (!preset.empty()) text += preset.front() == '[' ? " " + preset : " [" + preset + "]";
    return text;
  }
  // One blank line between groups, not two, and a newline at the end.
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
    for (std::size_t at; (at = text.find("\n\n\n")) != std::string::npos;) text.erase(at, 1);
    return text.ends_with('\n') ? text : text + '\n';
  }
};

// "relu, erf, ...", in lines that fit beside the options' names.
std::string activation_list() {
  constexpr std::size_t kLine = 52;
  std::string list, line;
  for (const std::string& name : known_activations()) {
    if (!list.empty() || !line.empty()) line += ", ";
    if (line.size() + name.size() > kLine) {
      list += line.substr(0, line.size() - 1) + "\n";
      line.clear();
    }
    line += name;
  }
  return list + line;
}

Parametrization parametrization_of(const ModelOptions& model) {
  return model.parametrization == "standard"     ? Parametrization::standard
         : model.parametrization == "mean_field" ? Parametrization::mean_field
                                                 : Parametrization::ntk;
}

Architecture architecture_of(const ModelOptions& model, std::vector<Index> widths) {
  const std::vector<std::string> names = activations_of(model.activation);
  Architecture architecture{.widths = std::move(widths),
                            .activation = names.front(),
                            .weight_scale = model.weight_scale,
                            .bias_scale = model.bias_scale,
                            .residual = model.residual,
                            .layer_norm = model.layer_norm,
                            .parametrization = parametrization_of(model)};
  if (names.size() > 1) architecture.activations = names;
  return architecture;
}

void require_some(Shape x, const std::string& path) {
  if (x.rows == 0 || x.cols == 0)
    throw UserError("'" + path + "' is " + to_string(x) + ", and at least one row and one column are needed");
}

}  // namespace

Command::Command(const std::string& description, const std::string& name) : CLI::App(description, name) {
  formatter(std::make_shared<HelpLayout>());
  set_help_flag("-h,--help", "print this and exit");
}

CLI::Validator whole_number(std::int64_t least, std::uint64_t most) {
  const auto needed = [least, most](const std::string& given) {
    return "'" + given + "' is given, and a whole number of at least " + std::to_string(least) +
           (most == std::numeric_limits<std::uint64_t>::max() ? "" : " and at most " + std::to_string(most)) +
           " is needed";
  };
  return CLI::Validator(
      [=](std::string& text) {
        const char* const end = text.data() + text.size();
        if (text.starts_with('-')) {
          std::int64_t value = 0;
          const auto [stop, error] = std::from_chars(text.data(), end, value);
          if (error != std::errc{} || stop != end || value < least) return needed(text);
          text = std::to_string(value);
        } else {
          std::uint64_t value = 0;
          const auto [stop, error] = std::from_chars(text.data(), end, value);
          const bool small = least > 0 && value < static_cast<std::uint64_t>(least);
          if (error != std::errc{} || stop != end || value > most || small) return needed(text);
          text = std::to_string(value);  // without zeros in front, which would make it octal
        }
        return std::string();
      },
      "", "");
}

CLI::Validator finite_number() {
  return CLI::Validator(
      [](std::string& text) {
        double value = 0;
        const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
        const char* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(begin, end, value);
        if (error == std::errc{} && stop == end && std::isfinite(value)) return std::string();
        return "'" + text + "' is given, and a finite decimal number is needed";
      },
      "", "");
}

CLI::Option* add_depth(CLI::App& app, ModelOptions& model) {
  return app.add_option("--depth", model.depth, "weight matrices L; L = 4 has three hidden layers")
      ->transform(whole_number(1))
      ->type_name("L")
      ->group("Model")
      ->capture_default_str();
}

void add_layers(CLI::App& app, ModelOptions& model) {
  app.add_option("--activation", model.activation,
                 "one of " + activation_list() + ";\nor a list, one for each hidden layer")
      ->type_name("NAME,...")
      ->group("Model")
      ->capture_default_str();
  const auto add = [&](const char* name, double& value, const char* what) {
    app.add_option(name, value, what)
        ->check(finite_number())
        ->type_name("X")
        ->group("Model")
        ->capture_default_str();
  };
  add("--weight-scale", model.weight_scale, "sigma_w, of the weights");
  add("--bias-scale", model.bias_scale, "beta, of the biases");
  app.add_flag("--residual", model.residual,
               "hidden layers from the second on add the one before,\nwhere widths are equal")
      ->group("Model");
  app.add_flag("--layer-norm", model.layer_norm, "normalize each example before every activation")
      ->group("Model");
}

void add_parametrization(CLI::App& app, ModelOptions& model) {
  app.add_option("--parametrization", model.parametrization,
                 "ntk, standard (W drawn with sigma_w / sqrt(n), b with beta,\nnothing multiplied) or "
                 "mean_field (1 / n in the last layer)")
      ->check(CLI::IsMember({"ntk", "standard", "mean_field"}).description(""))
      ->type_name("P")
      ->group("Model")
      ->capture_default_str();
}

std::vector<std::string> activations_of(const std::string& list) {
  std::vector<std::string> names(1);
  int open = 0;
  for (const char c : list) {
    open += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && open <= 0)
      names.emplace_back();
    else if (c != ' ' || open > 0)
      names.back() += c;
  }
  return names;
}

void require_activations(const std::string& list) {
  for (const std::string& name : activations_of(list)) (void)activation_op<double>(name);
}

std::string layers_in_words(const Architecture& a) {
  std::string words;
  for (const std::string& name : a.activations) words += (words.empty() ? "" : ", ") + name;
  if (words.empty()) words = a.activation;
  if (a.residual) words += " with residual connections";
  if (a.layer_norm) words += a.residual ? " and layer norm" : " with layer norm";
  if (a.parametrization == Parametrization::standard) words += ", standard parametrization";
  if (a.parametrization == Parametrization::mean_field) words += ", mean-field parametrization";
  return words;
}

Architecture equal_architecture(const ModelOptions& model, Index inputs, Index width, Index outputs) {
  const auto real = [](Index n) { return static_cast<double>(n); };
  const double parameters =
      study::parameter_count(real(inputs), real(width), real(outputs), real(model.depth));
  run::require_memory(sizeof(float) * parameters, "the parameters of a network of width " +
                                                      std::to_string(width) + " and depth " +
                                                      std::to_string(model.depth));
  return architecture_of(model, equal_widths(inputs, width, outputs, model.depth));
}

Architecture explicit_architecture(const ModelOptions& model, Index inputs, Index outputs) {
  std::vector<Index> widths = model.hidden;
  widths.insert(widths.begin(), inputs);
  widths.push_back(outputs);
  return architecture_of(model, std::move(widths));
}

void add_precision(CLI::App& app, MachineOptions& machine) {
  app.add_option("--precision", machine.precision, "f32 or f64")
      ->check(CLI::IsMember({"f32", "f64"}).description(""))
      ->type_name("P")
      ->group("Machine")
      ->capture_default_str();
}

void add_threads(CLI::App& app, MachineOptions& machine) {
  constexpr std::uint64_t kMostThreads = 1024;
  app.add_option("--threads", machine.threads, "0: one per processor; results do not depend on it")
      ->transform(whole_number(0, kMostThreads))
      ->type_name("N")
      ->group("Machine")
      ->capture_default_str();
}

void apply_threads(const MachineOptions& machine) {
  if (machine.threads > 0) omp_set_num_threads(machine.threads);
}

void add_talk(CLI::App& app, TalkOptions& talk) {
  app.add_flag("--quiet", talk.quiet, "print nothing but errors and warnings")
      ->configurable(false)
      ->group("Output");
  app.add_flag("--json", talk.json, "print the summary as JSON, and no progress")
      ->configurable(false)
      ->group("Output");
}

Shape inputs_shape(const std::string& path) {
  const std::vector<Index> shape = io::read_npy_shape(path);
  io::require_rank(shape, 2, path);
  require_some({shape[0], shape[1]}, path);
  return {shape[0], shape[1]};
}

template <class Real>
Matrix<Real> read_inputs(const std::string& path) {
  Matrix<Real> x = io::read_npy_matrix<Real>(path);
  require_some(shape_of(x), path);
  for (Index i = 0; i < x.shape(0); ++i)
    for (Index j = 0; j < x.shape(1); ++j)
      if (!std::isfinite(x(i, j)))
        throw UserError("'" + path + "' needs finite numbers: row " + std::to_string(i) + ", column " +
                        std::to_string(j) + " (counted from 0) is " + std::to_string(x(i, j)));
  return x;
}
template Matrix<float> read_inputs(const std::string&);
template Matrix<double> read_inputs(const std::string&);

void require_columns(Shape inputs, const std::string& path, Index needed, const std::string& what) {
  if (inputs.cols == needed) return;
  throw UserError("'" + path + "' is " + to_string(inputs) + ", and " + std::to_string(needed) +
                  (needed == 1 ? " column is" : " columns are") + " needed, as the " + what + " have");
}

void require_new_file(const std::string& path, const std::string& option) {
  namespace fs = std::filesystem;
  if (path.empty()) throw UserError(option + " has an empty name; the name of a new file is needed");
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(path, ignored)))
    throw UserError("'" + path + "' exists already; give a new file with " + option);
  const fs::path file(path), folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!file.has_filename() || !fs::is_directory(folder, ignored))
    throw UserError("'" + path + "', given with " + option + ", is not in a directory that exists");
  if (access(folder.c_str(), W_OK) != 0)
    throw UserError("'" + path + "', given with " + option + ", is in a directory that cannot be written to");
}

}  // namespace ntape::tools
