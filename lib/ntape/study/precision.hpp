#pragma once

namespace ntape::study {

/// What networks are trained in; everything measured of them is in double.
enum class Precision { f32, f64 };

}  // namespace ntape::study
