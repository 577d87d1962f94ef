#pragma once

#include <ntape/io/npz.hpp>
#include <ntape/model/parameters.hpp>
#include <string>

namespace ntape::tools {

/// Weights as files have them: W0, b0, W1, ... with W_l (n_{l+1}, n_l) and b_l (n_{l+1},); nothing else.
/// Throws UserError, naming the array: missing, of another rank or shape than its neighbours need, empty, not
/// finite in this precision.
template <class Real>
[[nodiscard]] Parameters<Real> read_weights(const std::string& path);

template <class Real>
void add_weights(io::NpzWriter& file, const Parameters<Real>& theta);

}  // namespace ntape::tools
