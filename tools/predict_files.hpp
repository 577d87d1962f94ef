#pragma once

#include <optional>
#include <string>

#include "predict_options.hpp"

namespace ntape::tools {

/// A kernel of all examples, with outputs at the start.
struct RecordedKernel {
  Matrix<double> values;   ///< [N x N], or full [N C x N C]
  Matrix<double> outputs;  ///< [N x C]
  double precision = 0;    ///< relative, to which the values are known: some roundings of numbers in the file
  std::string description;
  bool of_limit = false;  ///< known to be that of infinite width
  /// Whether the outputs are zero because nothing says what they were, and the kernel is not known to be that
  /// of infinite width, whose networks start at zero on average.
  bool without_outputs = false;
};

/// o.kernel, which must be (N, N) or, full, (N, N, C, C). Throws UserError, naming the file, for any other
/// shape, and when it is not clear which array is meant.
[[nodiscard]] RecordedKernel read_kernel(const PredictOptions& o, Index examples, Index outputs);

/// Checksums of data as this command has them: of all examples, and of those that are trained and tested on
/// where some are held out.
struct DataChecksums {
  std::string all, train, test;
};
/// The checksum of the data that the record beside a kernel of `drift` names, when it is neither of all
/// examples nor, with those of the test set, of the parts; nothing when there is no such record.
[[nodiscard]] std::optional<std::string> recorded_on_other_data(const std::string& kernel,
                                                                const DataChecksums& data);

/// N or N x C numbers, finite.
[[nodiscard]] Matrix<double> read_outputs(const std::string& path);

}  // namespace ntape::tools
