#pragma once

#include <filesystem>
#include <ntape/data/classes.hpp>

namespace ntape::data {

/// Datasets from files, in double. With options.classes empty the targets are numbers and the first
/// options.examples rows are taken (0: all). With classes named the targets are one column of integer
/// labels, encoded by encode_labels. All throw UserError, naming the file: unreadable (see room io), wrong
/// rank, inputs and targets of different number, none at all, not finite, fewer examples than asked for, a
/// label that is no integer.

/// Arrays `x` (N x n_0) and `y` (N or N x n_L) of an .npz archive.
[[nodiscard]] Dataset<double> from_npz(const std::filesystem::path& path, const ClassOptions& options = {});

/// Inputs (N x n_0) and targets (N or N x n_L) from one .npy file each.
[[nodiscard]] Dataset<double> from_npy(const std::filesystem::path& inputs,
                                       const std::filesystem::path& targets,
                                       const ClassOptions& options = {});

/// Comma-separated numbers, the last column being the target: N x (columns - 1) and N x 1. A first line
/// without any number is a header and is skipped. CRLF line ends and blank lines at the end are fine;
/// quotes are not understood. Errors name the line and the column, counted from 1.
[[nodiscard]] Dataset<double> from_csv(const std::filesystem::path& path, const ClassOptions& options = {});

}  // namespace ntape::data
