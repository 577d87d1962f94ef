#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <ntape/tensor/matrix.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ntape::io {

/// An array of any rank, row-major: values.size() is the product of shape (1 for rank 0).
template <class Real>
struct NpyArray {
  std::vector<Index> shape;
  std::vector<Real> values;
  /// How far apart numbers of the stored type are, relatively: 2^-23 of <f4, 2^-52 of <f8; 0 of integers,
  /// which are exact.
  double epsilon = 0;
};

/// "(3, 4)", "(3,)", "()"
[[nodiscard]] std::string shape_text(std::span<const Index> shape);

/// Reads a numpy .npy image, format 1.0, 2.0 or 3.0, rank 0 to 8, C or Fortran order (the result is
/// row-major either way), of dtype <f8 <f4 |b1 |u1 |i1 <u2 <i2 <u4 <i4 <u8 <i8, as double. Throws
/// UserError, naming `what` and the defect: bad magic, malformed header, other dtypes, a 64-bit integer
/// that a double cannot hold, a payload that is too short or too long. O(size) time and memory.
[[nodiscard]] NpyArray<double> read_npy(std::span<const std::byte> bytes, std::string_view what);
/// The same for a file; also throws UserError when it cannot be read.
[[nodiscard]] NpyArray<double> read_npy(const std::filesystem::path& path);

/// Whether it is a file that can be read twice, unlike a pipe.
[[nodiscard]] bool is_regular(const std::filesystem::path& path);
/// The shape that a file says it has; its values are not read when it is regular, only counted. Throws as
/// read_npy.
[[nodiscard]] std::vector<Index> read_npy_shape(const std::filesystem::path& path);
/// to_matrix(read_npy(path)), in memory of the matrix and little more when the file is regular. Throws
/// likewise.
template <class Real>
[[nodiscard]] Matrix<Real> read_npy_matrix(const std::filesystem::path& path);
/// Throws UserError, naming `what`, unless the shape is of that rank.
void require_rank(std::span<const Index> shape, Index rank, std::string_view what);

/// What takes an array a piece at a time.
struct NpyVisitor {
  virtual ~NpyVisitor() = default;
  /// Before any number. By columns: the first index runs fastest in what follows.
  virtual void begin(const std::vector<Index>& shape, bool by_columns) = 0;
  /// The numbers from `first` on, counted in the order in which they come.
  virtual void take(Index first, std::span<const double> values) = 0;
};
/// Bytes one after the other: writes some to the beginning of the span and says how many; 0 at the end.
using ByteSource = std::function<std::size_t(std::span<std::byte>)>;
/// read_npy of an image of `size` bytes, in memory of a piece. Throws likewise.
void visit_npy(const ByteSource& source, std::uintmax_t size, std::string_view what, NpyVisitor& visitor);
/// What such an image says of its shape; little more than the header is read. Throws as read_npy.
[[nodiscard]] std::vector<Index> npy_shape(const ByteSource& source, std::uintmax_t size,
                                           std::string_view what);

/// What a .npy file of such numbers (4: <f4, 8: <f8; C order) begins with. Throws ShapeError for a rank of
/// more than 8.
[[nodiscard]] std::string npy_head(std::span<const Index> shape, Index bytes_per_number);

/// The .npy image (format 1.0, header padded so that the values start at a multiple of 64, C order, <f4
/// or <f8) of row-major values: the bytes are a pure function of the arguments. Throws ShapeError when
/// values.size() is not the product of shape.
template <class Real>
[[nodiscard]] std::vector<std::byte> npy_bytes(std::span<const Index> shape, std::span<const Real> values);

/// Writes npy_bytes to a file. Also throws UserError when not every byte could be written.
template <class Real>
void write_npy(const std::filesystem::path& path, std::span<const Index> shape, std::span<const Real> values);
template <class Real>
void write_npy(const std::filesystem::path& path, const Matrix<Real>& matrix);

/// The array as a matrix. Throws UserError, naming `what`, unless the rank is 2.
template <class Real>
[[nodiscard]] Matrix<Real> to_matrix(const NpyArray<double>& array, std::string_view what);

/// The array as an N x 1 matrix. Throws UserError, naming `what`, unless the rank is 1.
template <class Real>
[[nodiscard]] Matrix<Real> to_column(const NpyArray<double>& array, std::string_view what);

}  // namespace ntape::io
