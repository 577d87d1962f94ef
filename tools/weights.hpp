#pragma once

#include <ntape/io/npz.hpp>
#include <ntape/model/parameters.hpp>
#include <string>

#include "options.hpp"

namespace ntape::tools {

/// Weights as files have them: W0, b0, W1, ... with W_l (n_{l+1}, n_l) and b_l (n_{l+1},); nothing else.
/// Throws UserError, naming the array: missing, of another rank or shape than its neighbours need, empty, not
/// finite in this precision.
template <class Real>
[[nodiscard]] Parameters<Real> read_weights(const std::string& path);

/// The architecture that such weights are of.
template <class Real>
[[nodiscard]] Architecture architecture_of_weights(const ModelOptions& model, const Parameters<Real>& theta);

template <class Real>
void add_weights(io::NpzWriter& file, const Parameters<Real>& theta);

}  // namespace ntape::tools
