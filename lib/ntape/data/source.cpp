#include <charconv>
#include <filesystem>
#include <ntape/base/errors.hpp>
#include <ntape/data/classes.hpp>
#include <ntape/data/files.hpp>
#include <ntape/data/idx.hpp>
#include <ntape/data/source.hpp>
#include <ntape/data/synthetic.hpp>
#include <string_view>

namespace ntape::data {
namespace {

constexpr std::string_view kSphere = "sphere:";
constexpr std::string_view kIdx = "idx:";
constexpr Index kImages = 256;

Index or_default(Index examples, Index fallback) {
  return examples == 0 ? fallback : examples;
}

void require_no_classes(const SourceOptions& options, const std::string& name) {
  if (!options.classes.empty()) {
    throw UserError("classes are named, and the dataset '" + name +
                    "' has no labels; labelled images, .npz, .npy or .csv data are needed");
  }
}

Index sphere_dimension(const std::string& spec) {
  Index dimension = 0;
  const char* const last = spec.data() + spec.size();
  const auto [end, error] = std::from_chars(spec.data() + kSphere.size(), last, dimension);
  if (error != std::errc{} || end != last) {
    throw UserError("the dataset '" + spec +
                    "' is not understood: sphere:D needs an integer D of at least 2");
  }
  return dimension;
}

IdxPaths idx_paths(const std::string& spec) {
  const std::string pair = spec.substr(kIdx.size());
  const std::size_t comma = pair.find(',');
  if (comma == std::string::npos || comma == 0 || comma + 1 == pair.size() ||
      pair.find(',', comma + 1) != std::string::npos) {
    throw UserError("the dataset '" + spec + "' is not understood: idx:IMAGES,LABELS needs two files");
  }
  return {pair.substr(0, comma), pair.substr(comma + 1)};
}

Dataset<double> load_synthetic(const SourceOptions& options, const std::string& name) {
  require_no_classes(options, name);
  if (name == "circle")
    return circle<double>({.examples = or_default(options.examples, CircleOptions{}.examples)});
  if (name == "gaussian-product") {
    return gaussian_product<double>(
        {.examples = or_default(options.examples, GaussianProductOptions{}.examples), .seed = options.seed});
  }
  return sphere<double>({.dimension = sphere_dimension(name),
                         .examples = or_default(options.examples, SphereOptions{}.examples),
                         .seed = options.seed});
}

}  // namespace

Dataset<double> load(const SourceOptions& options) {
  const std::string& spec = options.spec;
  const ClassOptions selection{options.examples, options.classes};
  if (!options.inputs.empty() || !options.targets.empty()) {
    if (options.inputs.empty() || options.targets.empty()) {
      throw UserError("only " + std::string(options.inputs.empty() ? "targets" : "inputs") +
                      " are given as .npy, and inputs and targets are needed together");
    }
    if (!spec.empty()) {
      throw UserError("the dataset '" + spec + "' and .npy inputs are both given, and only one may be");
    }
    return from_npy(options.inputs, options.targets, selection);
  }
  if (spec.empty()) return load_synthetic(options, "gaussian-product");
  if (spec == "circle" || spec == "gaussian-product" || spec.starts_with(kSphere)) {
    return load_synthetic(options, spec);
  }
  if (spec == "mnist" || spec == "fashion-mnist") {
    const IdxPaths paths = spec == "mnist" ? mnist_paths() : fashion_mnist_paths();
    return from_labels<double>(read_idx(paths.images, paths.labels),
                               {or_default(options.examples, kImages), options.classes}, spec);
  }
  if (spec.starts_with(kIdx)) {
    const IdxPaths paths = idx_paths(spec);
    return from_labels<double>(read_idx(paths.images, paths.labels), selection, spec);
  }
  if (spec.ends_with(".npz")) return from_npz(spec, selection);
  if (spec.ends_with(".csv")) return from_csv(spec, selection);
  throw UserError("the dataset '" + spec +
                  "' is unknown; known are circle, gaussian-product, sphere:D, mnist, fashion-mnist, "
                  "idx:IMAGES,LABELS, FILE.npz and FILE.csv");
}

double least_bytes(const SourceOptions& options) {
  const std::string& spec = options.spec;
  const auto on_disk = [](const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    return error ? 0.0 : static_cast<double>(size);
  };
  const auto made = [&](Index fallback, Index dimension) {
    return 2.0 * sizeof(double) * static_cast<double>(or_default(options.examples, fallback)) *
           static_cast<double>(dimension);
  };
  if (!options.inputs.empty() || !options.targets.empty())
    return 2 * (on_disk(options.inputs) + on_disk(options.targets));
  if (spec.empty() || spec == "gaussian-product") return made(GaussianProductOptions{}.examples, 2);
  if (spec == "circle") return made(CircleOptions{}.examples, 2);
  if (spec.starts_with(kSphere)) return made(SphereOptions{}.examples, sphere_dimension(spec));
  if (spec.starts_with(kIdx)) {
    const IdxPaths paths = idx_paths(spec);
    return on_disk(paths.images) + on_disk(paths.labels);
  }
  return on_disk(spec);
}

SourceOptions resolved(const SourceOptions& options, const Dataset<double>& loaded) {
  const auto from_root = [](const std::filesystem::path& path) {
    return std::filesystem::absolute(path).string();
  };
  SourceOptions result = options;
  result.examples = loaded.x.shape(0);
  if (!options.inputs.empty()) {
    result.inputs = from_root(options.inputs);
    result.targets = from_root(options.targets);
  } else if (options.spec.empty()) {
    result.spec = loaded.name;
  } else if (options.spec.starts_with(kIdx)) {
    const IdxPaths paths = idx_paths(options.spec);
    const std::string images = from_root(paths.images), labels = from_root(paths.labels);
    if (images.find(',') == std::string::npos && labels.find(',') == std::string::npos)
      result.spec = std::string(kIdx) + images + "," + labels;
  } else if (options.spec.ends_with(".npz") || options.spec.ends_with(".csv")) {
    result.spec = from_root(options.spec);
  }
  return result;
}

}  // namespace ntape::data
