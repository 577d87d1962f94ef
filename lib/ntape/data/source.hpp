#pragma once

#include <ntape/base/philox.hpp>
#include <ntape/data/dataset.hpp>
#include <string>
#include <vector>

namespace ntape::data {

/// A dataset by its name, as the command line gives it.
struct SourceOptions {
  /// circle | gaussian-product | sphere:D | mnist | fashion-mnist | idx:IMAGES,LABELS | FILE.npz | FILE.csv;
  /// empty means inputs and targets, or gaussian-product when those are empty too.
  std::string spec = {};
  /// 0 means the default: circle 64, gaussian-product and sphere 128, mnist and fashion-mnist 256, files all.
  Index examples = 0;
  /// Labels to select, for sources that have labels (see ClassOptions).
  std::vector<int> classes = {};
  /// Of gaussian-product and sphere; ignored by the others.
  Seed seed = {};
  /// Two .npy files, given together and without a spec.
  std::string inputs = {};
  std::string targets = {};
};

/// Throws UserError for an unknown spec (listing the known ones), classes where there are no labels, inputs
/// without targets or with a spec, and as the source itself does. cast<float> makes it a float dataset.
[[nodiscard]] Dataset<double> load(const SourceOptions& options);

/// Bytes that load(options) takes at the same time, from below, without reading or making anything: points
/// that are made, and copied once; files at their size on disk, .npy with the matrix made of it. 0 for what
/// load would refuse. Throws UserError for a sphere that is not understood.
[[nodiscard]] double least_bytes(const SourceOptions& options);

/// The same source, said so that it stays the same later and elsewhere: defaults by their names and numbers,
/// paths from the root. `loaded` is what load(options) gave. An IDX path whose absolute form has a comma
/// stays as it is: "idx:IMAGES,LABELS" has no way to say it.
[[nodiscard]] SourceOptions resolved(const SourceOptions& options, const Dataset<double>& loaded);

}  // namespace ntape::data
