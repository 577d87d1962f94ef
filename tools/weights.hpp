#pragma once

#include <ntape/io/npz.hpp>
#include <ntape/model/parameters.hpp>
#include <string>
#include <vector>

#include "options.hpp"

namespace ntape::tools {

/// The widths n_0, n_1, ... of the network that a file of weights is of: W0, b0, W1, ... with W_l
/// (n_{l+1}, n_l) and b_l (n_{l+1},); nothing else. Numbers are not read. Throws UserError, naming the array:
/// missing, of another rank or shape than its neighbours need, empty.
[[nodiscard]] std::vector<Index> weight_widths(const std::string& path);

/// The weights, in memory of themselves and little more. Throws UserError as weight_widths, and for a number
/// that is not finite in this precision.
template <class Real>
[[nodiscard]] Parameters<Real> read_weights(const std::string& path);
/// Throws what read_weights does, and keeps nothing.
template <class Real>
void check_weights(const std::string& path);

/// The architecture of weights with such widths.
[[nodiscard]] Architecture architecture_of_weights(const ModelOptions& model,
                                                   const std::vector<Index>& widths);

/// Without a copy: theta must stay until the file is closed.
template <class Real>
void add_weights(io::NpzWriter& file, const Parameters<Real>& theta);

}  // namespace ntape::tools
