#pragma once

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <ntape/io/npy_stream.hpp>
#include <ntape/run/progress.hpp>
#include <vector>

namespace ntape::tools {

/// For fingerprints: what a matrix holds, and a number, exactly.
template <class Real>
[[nodiscard]] std::string checksum(const Matrix<Real>& m) {
  return to_string(shape_of(m)) + " " + io::checksum(std::as_bytes(std::span(m.data(), m.size())));
}
[[nodiscard]] inline std::string exact(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// Rows [first1, first1 + count1) and columns [first2, first2 + count2) of a kernel of examples.
struct Window {
  Index first1, count1, first2, count2;
};

/// The pieces of a kernel in a .npy file whose notes are kept: kSide x kSide examples each, whatever the
/// windows that they come in, so that a run may be continued in another budget; of a symmetric kernel those
/// that meet the lower triangle, with their mirror images.
class Pieces {
 public:
  static constexpr Index kSide = 256;
  Pieces(Index n1, Index n2, bool symmetric)
      : n1_(n1), n2_(n2), rows_(blocks(n1)), cols_(blocks(n2)), symmetric_(symmetric) {}

  [[nodiscard]] Index count() const { return symmetric_ ? rows_ * (rows_ + 1) / 2 : rows_ * cols_; }

  /// For the file, with so many numbers a pair of examples.
  [[nodiscard]] io::NpyPieces in_file(Index numbers) const {
    return {count(), [p = *this, numbers](Index piece, const io::NpyPieces::Stretch& stretch) {
              Index i = piece / p.cols_, j = piece % p.cols_;
              if (p.symmetric_)
                for (i = 0, j = piece; j > i;) j -= ++i;
              p.rows_of(i, j, numbers, stretch);
              if (p.symmetric_ && i != j) p.rows_of(j, i, numbers, stretch);
            }};
  }

  template <class Visit>
  void each(const Window& at, Visit&& visit) const {
    const Index i0 = at.first1 / kSide, j0 = at.first2 / kSide;
    for (Index i = i0; i < i0 + blocks(at.count1); ++i)
      for (Index j = j0; j < j0 + blocks(at.count2); ++j) {
        if (!symmetric_)
          visit(i * cols_ + j);
        else if (j <= i)
          visit(i * (i + 1) / 2 + j);
      }
  }

 private:
  static Index blocks(Index examples) { return (examples + kSide - 1) / kSide; }
  // Of block (i, j), a row of examples at a time.
  void rows_of(Index i, Index j, Index numbers, const io::NpyPieces::Stretch& stretch) const {
    const Index first = j * kSide, count = std::min(kSide, n2_ - first);
    for (Index n = i * kSide; n < std::min((i + 1) * kSide, n1_); ++n)
      stretch((n * n2_ + first) * numbers, count * numbers);
  }
  Index n1_, n2_, rows_, cols_;
  bool symmetric_;
};

/// What is there already, and what is damaged of it.
inline void tell_taken_up(const io::NpyStream& file, const std::string& out, bool talk) {
  if (talk && file.pieces_done() > 0)
    std::cerr << "continuing: " << file.pieces_done() << " of " << file.pieces() << " pieces are there\n";
  if (file.pieces_damaged() > 0)
    std::cerr << "ntape: warning: '" << io::NpyStream::beside(out)[0].string() << "' was damaged in "
              << file.pieces_damaged()
              << (file.pieces_damaged() == 1 ? " piece, which is" : " pieces, which are") << " made again\n";
}

/// Puts windows of a kernel (n1, n2, cs, ds) into its file, mirrored when it is symmetric, and notes what is
/// finished.
template <class Real>
class WindowFile {
 public:
  struct Layout {
    Index n1, n2;
    bool symmetric;
    Index cs = 1, ds = 1;  ///< numbers a pair of examples
  };
  WindowFile(io::NpyStream& file, const Layout& layout, run::Progress& progress)
      : file_(file), layout_(layout), pieces_(layout.n1, layout.n2, layout.symmetric), progress_(progress) {}

  /// Whether something of it is not finished.
  [[nodiscard]] bool wants(const Window& at) const {
    bool open = false;
    pieces_.each(at, [&](Index piece) { open = open || !file_.done(piece); });
    return open;
  }

  /// value(n, m, c, d), n and m counted from the window's first.
  template <class Value>
  void write(const Window& at, const Value& value) {
    put(at, value);
    if (layout_.symmetric && at.first1 != at.first2)
      put({at.first2, at.count2, at.first1, at.count1},
          [&](Index m, Index n, Index d, Index c) { return value(n, m, c, d); });
    pieces_.each(at, [&](Index piece) {
      if (file_.done(piece)) return;
      file_.finish(piece);
      progress_.advance();
    });
  }

 private:
  template <class Value>
  void put(const Window& at, const Value& value) {
    const Index cs = layout_.cs, ds = layout_.ds, size = cs * ds;
    // Some rows at a time: the columns of a mirrored window are then read a cache line at a time.
    constexpr Index kRows = 32;
    for (Index n0 = 0; n0 < at.count1; n0 += kRows) {
      const Index rows = std::min(kRows, at.count1 - n0), line = at.count2 * size;
      buffer_.resize(rows * line);
      for (Index m = 0; m < at.count2; ++m)
        for (Index n = 0; n < rows; ++n)
          for (Index c = 0; c < cs; ++c)
            for (Index d = 0; d < ds; ++d) buffer_[n * line + (m * cs + c) * ds + d] = value(n0 + n, m, c, d);
      for (Index n = 0; n < rows; ++n)
        file_.template write<Real>(((at.first1 + n0 + n) * layout_.n2 + at.first2) * size,
                                   {buffer_.data() + n * line, line});
    }
  }

  io::NpyStream& file_;
  Layout layout_;
  Pieces pieces_;
  run::Progress& progress_;
  std::vector<Real> buffer_;
};

}  // namespace ntape::tools
