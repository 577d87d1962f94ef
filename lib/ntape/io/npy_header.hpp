#pragma once

#include <ntape/tensor/matrix.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ntape::io {

inline constexpr std::string_view kNpyMagic{"\x93NUMPY", 6};
inline constexpr Index kNpyMaxRank = 8;

/// start times the product of the extents; nothing when that cannot be counted.
[[nodiscard]] std::optional<Index> npy_size(std::span<const Index> shape, Index start);

/// What the header of a .npy file says; neither dtype nor shape is judged yet.
struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  std::vector<Index> shape;
};

/// Parses the dictionary that follows the header's length, padding included. Throws UserError, naming `what`
/// and the place, unless it has exactly the keys descr (a string), fortran_order and shape.
[[nodiscard]] NpyHeader parse_npy_header(std::string_view text, std::string_view what);

/// npy_head, also throwing ShapeError when `count` is not the product of shape.
[[nodiscard]] std::string npy_head_of(std::span<const Index> shape, Index count, Index bytes_per_number);

/// Throws UserError: "'what' is not a readable .npy array: defect".
[[noreturn]] void fail_npy(std::string_view what, const std::string& defect);

}  // namespace ntape::io
