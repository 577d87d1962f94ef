#pragma once

#include <ntape/data/source.hpp>

namespace ntape::data {

struct Split {
  Dataset<double> train;  ///< what load gives for the same options
  Dataset<double> test;
};

/// A source with `held_out` examples that follow those of training. Where all examples of a file would train
/// (examples = 0), the last ones are held out. Throws UserError for held_out = 0, for the circle, whose
/// points depend on their number, where a file has too few examples, and as load.
[[nodiscard]] Split load_split(const SourceOptions& options, Index held_out);

}  // namespace ntape::data
