#include "predict_files.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/dynamics/factor.hpp>
#include <ntape/io/npz.hpp>

namespace ntape::tools {
namespace {

Matrix<double> to_outputs(const io::NpyArray<double>& array, const std::string& what) {
  Matrix<double> f =
      array.shape.size() == 1 ? io::to_column<double>(array, what) : io::to_matrix<double>(array, what);
  for (Index k = 0; k < f.size(); ++k)
    if (!std::isfinite(f.data()[k]))
      throw UserError("'" + what + "' needs finite numbers: row " + std::to_string(k / f.shape(1)) +
                      ", column " + std::to_string(k % f.shape(1)) + " (counted from 0) is " +
                      std::to_string(f.data()[k]));
  return f;
}

// "ntk", or the only one.
std::string array_of(const PredictOptions& o, const io::NpzReader& file) {
  if (!o.array.empty()) return o.array;
  if (file.has("ntk")) return "ntk";
  const auto names = file.names();
  if (names.size() == 1) return names.front();
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw UserError("'" + o.kernel + "' holds " + (names.empty() ? "no array" : list) +
                  "; name one with --array");
}

// What the kernel and drift commands write beside a network's kernel: outputs beside ntk,
// outputs_0_width_64 beside theta_0_width_64. Empty for other names.
std::string outputs_beside(const std::string& kernel) {
  const std::string theta = "theta_";
  if (kernel == "ntk") return "outputs";
  return kernel.starts_with(theta) ? "outputs_" + kernel.substr(theta.size()) : "";
}

// (N, N, C, C) of files is [N C x N C] here.
Matrix<double> to_kernel(const io::NpyArray<double>& array, const std::string& what, Index examples,
                         Index outputs) {
  const std::vector<Index>& s = array.shape;
  const bool shared = s == std::vector<Index>{examples, examples};
  const bool full = s == std::vector<Index>{examples, examples, outputs, outputs};
  if (!shared && !full)
    throw UserError("'" + what + "' has shape " + io::shape_text(s) + ", and the data need " +
                    io::shape_text(std::vector<Index>{examples, examples}) + " or " +
                    io::shape_text(std::vector<Index>{examples, examples, outputs, outputs}) +
                    ": a kernel of all examples, those of --test included");
  const Index per = shared ? 1 : outputs;
  auto k = make_matrix<double>(examples * per, examples * per);
  for (Index n = 0; n < examples; ++n)
    for (Index m = 0; m < examples; ++m)
      for (Index c = 0; c < per; ++c)
        for (Index d = 0; d < per; ++d)
          k(n * per + c, m * per + d) = array.values[((n * examples + m) * per + c) * per + d];
  require_kernel(k, "'" + what + "'");
  return k;
}

// To what a kernel stored with that rounding is known. Kernels of floats were mostly computed in floats, and
// from those in doubles they differ by two to three roundings of their norm (erf, depth 4, width 64, 48
// examples).
double known_to(double epsilon) {
  return epsilon > kDoublePrecision ? 4 * epsilon : epsilon;
}

}  // namespace

std::optional<std::string> recorded_on_other_data(const std::string& kernel, const DataChecksums& data) {
  const std::filesystem::path path(kernel), manifest = path.parent_path() / "manifest.json";
  std::error_code none;
  if (path.filename() != "kernels.npz" || !std::filesystem::is_regular_file(manifest, none)) return {};
  std::ifstream file(manifest);
  const auto record = nlohmann::json::parse(file, nullptr, false);
  const auto part = [&](const char* name) {
    const bool known = record.is_object() && record.contains(name) && record[name].is_object();
    return known ? record[name] : nlohmann::json::object();
  };
  const auto checksum_of = [](const nlohmann::json& of) {
    return of.contains("checksum") && of["checksum"].is_string() ? of["checksum"].get<std::string>()
                                                                 : std::string();
  };
  const nlohmann::json test = part("test");
  const std::string train = checksum_of(part("data"));
  // Test inputs without targets have a checksum that no examples here have.
  const bool bare = test.contains("targets") && test["targets"] == false;
  if (train.empty() || train == data.all) return {};
  if (train == data.train && (bare || checksum_of(test) == data.test)) return {};
  return train;
}

Matrix<double> read_outputs(const std::string& path) {
  return to_outputs(io::read_npy(path), path);
}

RecordedKernel read_kernel(const PredictOptions& o, Index examples, Index outputs) {
  RecordedKernel recorded;
  recorded.description = "the kernel in " + o.kernel;
  std::string from = "f_0 = 0";
  if (o.kernel.ends_with(".npz")) {
    const io::NpzReader file(o.kernel);
    const std::string name = array_of(o, file);
    const io::NpyArray<double> array = file.read(name);
    recorded.values = to_kernel(array, o.kernel + ": " + name, examples, outputs);
    recorded.precision = known_to(array.epsilon);
    recorded.description += ", array " + name;
    const std::string outputs_name = outputs_beside(name);
    if (o.start_outputs.empty() && !outputs_name.empty() && file.has(outputs_name)) {
      recorded.outputs = to_outputs(file.read(outputs_name), o.kernel + ": " + outputs_name);
      from = "with its outputs";
    }
    recorded.of_limit = name == "theta_inf" || (name == "ntk" && file.has("ntk_bound"));
  } else if (o.kernel.ends_with(".npy")) {
    if (!o.array.empty())
      throw UserError("--array names an array of an .npz file, and '" + o.kernel + "' is none");
    const io::NpyArray<double> array = io::read_npy(o.kernel);
    recorded.values = to_kernel(array, o.kernel, examples, outputs);
    recorded.precision = known_to(array.epsilon);
  } else {
    throw UserError("the kernel '" + o.kernel +
                    "' is not understood: limit, start, FILE.npy or FILE.npz is needed");
  }
  if (!o.start_outputs.empty()) {
    recorded.outputs = read_outputs(o.start_outputs);
    from = "f_0 of " + o.start_outputs;
  }
  if (recorded.outputs.size() == 0) {
    recorded.outputs = zeros<double>(examples, outputs);
    recorded.without_outputs = !recorded.of_limit;
  }
  if (shape_of(recorded.outputs) != Shape{examples, outputs})
    throw UserError("the outputs at the start are " + to_string(shape_of(recorded.outputs)) +
                    ", and the data have " + to_string(Shape{examples, outputs}) + " targets");
  recorded.description += ", " + from;
  return recorded;
}

}  // namespace ntape::tools
