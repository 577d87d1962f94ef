#pragma once

#include <nlohmann/json_fwd.hpp>
#include <ntape/limit/sphere.hpp>
#include <ntape/model/architecture.hpp>
#include <ostream>

/// What `ntape limit` answers beside kernels. Each prints to `out` and adds to `facts`.
namespace ntape::tools {

/// --phase: q*, chi_1, c*, xi, and a note when the depth is many xi. Throws UserError for networks that
/// are not plain.
void answer_phase(const Architecture& architecture, std::ostream& out, nlohmann::json& facts);

/// To standard error: a warning when a plain network is so deep that its kernel forgets its inputs.
/// Nothing where the phase is not known.
void warn_of_depth(const Architecture& architecture);

/// --sphere: the spectrum up to `degrees`; with `positive`, what it says of definiteness.
SphereSpectrum answer_sphere(const Architecture& architecture, Index dimension, Index degrees, double square,
                             bool positive, std::ostream& out, nlohmann::json& facts);

/// --check-positive with inputs: the smallest eigenvalue and the condition of their kernel, as far as
/// `bound`, entry by entry, lets it be told.
void answer_inputs(const Matrix<double>& ntk, const Matrix<double>& bound, std::ostream& out,
                   nlohmann::json& facts);

}  // namespace ntape::tools
