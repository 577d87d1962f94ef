#pragma once

#include <nlohmann/json_fwd.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/limit/sphere.hpp>
#include <ostream>

/// `ntape limit --angles`: the NTK as a function of the angle.
namespace ntape::tools {

struct Curve {
  std::vector<double> angles;
  AngleCurve kappa;
  double cusp;
  PowerSeries series;
};

/// At `points` equally spaced angles from 0 to pi, with the series up to `degrees`; prints to `out`, adds to
/// `facts`.
[[nodiscard]] Curve answer_curve(const Architecture& architecture, double square, Index points, Index degrees,
                                 std::ostream& out, nlohmann::json& facts);

/// angle, kappa, kappa_bound (N); b, b_bound, b_tail (K + 1).
void add_curve(io::NpzWriter& file, const Curve& curve);

/// Where the coefficients are drawn when the curve is drawn in `path`: "a/b.svg" gives "a/b-series.svg".
[[nodiscard]] std::string series_path(const std::string& path);

/// Throws UserError unless `path` ends in .svg, .pdf or .png, and it and series_path are new files.
void require_figure(const std::string& path);

/// Draws the curve in `path` and its coefficients in series_path. Throws GnuplotError.
void draw_curve(const Curve& curve, const Architecture& architecture, double square, const std::string& path);

}  // namespace ntape::tools
