#pragma once

#include <filesystem>
#include <memory>
#include <ntape/io/npy.hpp>
#include <span>
#include <string>
#include <vector>

namespace ntape::io {

/// A numpy .npz archive, stored or deflated, opened for reading. Only its .npy entries count; arrays are
/// named as numpy names them, without ".npy".
class NpzReader {
 public:
  /// Throws UserError when the file is missing, is no zip archive, or holds two arrays of one name.
  explicit NpzReader(const std::filesystem::path& path);
  NpzReader(NpzReader&&) noexcept;
  NpzReader& operator=(NpzReader&&) noexcept;
  ~NpzReader();

  /// In archive order.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool has(const std::string& name) const;
  /// Inflates and decodes one array. Throws UserError when there is none of that name (listing those
  /// there are), when its data are damaged (checksum included), or as read_npy does. Not thread-safe.
  [[nodiscard]] NpyArray<double> read(const std::string& name) const;
  /// The same a piece at a time, in memory of a piece: the entry is read twice, since its checksum comes at
  /// its end, and damaged numbers are not handed on.
  void visit(const std::string& name, NpyVisitor& visitor) const;
  /// What the array says of its shape; little more than its header is read, and the checksum is not compared.
  [[nodiscard]] std::vector<Index> shape(const std::string& name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Collects arrays and writes them, stored, as one .npz archive. Identical arrays added in the same order
/// give identical files: no time of day goes in. The archive replaces an existing file as a whole, on
/// close(); a writer destroyed before that leaves no file.
class NpzWriter {
 public:
  /// Throws UserError when the path exists and is not a regular file.
  explicit NpzWriter(const std::filesystem::path& path);
  NpzWriter(NpzWriter&&) noexcept;
  NpzWriter& operator=(NpzWriter&&) noexcept;
  ~NpzWriter();

  /// Copies the values (row-major) and keeps the copy until close(). Throws ShapeError when their number
  /// is not the product of shape, UserError for an empty or repeated name, InternalError after close().
  template <class Real>
  void add(const std::string& name, const std::vector<Index>& shape, std::span<const Real> values);
  template <class Real>
  void add(const std::string& name, const Matrix<Real>& matrix);
  /// The same without a copy: the values must stay as they are until close().
  template <class Real>
  void refer(const std::string& name, const std::vector<Index>& shape, std::span<const Real> values);

  /// Writes the archive. Throws UserError when there is nothing to write or when a byte cannot be written
  /// (no space, no permission, no directory), InternalError when called twice.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ntape::io
