#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <ntape/tensor/matrix.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ntape::io {

/// What an array depends on: names and texts (checksums, say), compared one by one when its writing is taken
/// up again. Without line breaks.
using Fingerprint = std::vector<std::pair<std::string, std::string>>;

/// FNV-1a of the bytes, 64 bits, as 16 hexadecimal digits: for a Fingerprint.
[[nodiscard]] std::string checksum(std::span<const std::byte> bytes);

/// How an array is divided into pieces.
struct NpyPieces {
  using Stretch = std::function<void(Index first, Index count)>;
  Index count = 0;
  /// Names the numbers of a piece, stretch by stretch and always in the same order. Pieces share none.
  std::function<void(Index piece, const Stretch& stretch)> stretches;
};

/// A .npy array larger than memory, written in pieces in any order, by one process at a time.
///
/// Until close() the values are in PATH.partial, with room for all of them, and which pieces are finished,
/// each with the checksum of its bytes, in PATH.progress, a text. A writer that goes away before leaves both,
/// and one of the same shape and fingerprint continues there. finish() notes a piece; the note is on disk
/// after the values are, a few seconds later or at sync(). What is continued is read once, and pieces that
/// are not what their checksums say are open again: damaged notes are refused, damaged values made anew.
/// Values are written past any cache of ours: memory does not grow.
class NpyStream {
 public:
  /// Throws UserError when PATH exists, when an unfinished array is there that differs (naming in what), is
  /// being written by another process or is damaged, or when the disk has no room for all of the array.
  /// `maxima`: how many figures are kept beside the pieces, see keep_largest().
  NpyStream(std::filesystem::path path, std::vector<Index> shape, Index bytes_per_number, NpyPieces pieces,
            Fingerprint fingerprint, Index maxima = 0);
  /// Notes what is finished; the files stay.
  ~NpyStream();
  NpyStream(const NpyStream&) = delete;
  NpyStream& operator=(const NpyStream&) = delete;

  /// PATH.partial and PATH.progress.
  [[nodiscard]] static std::array<std::filesystem::path, 2> beside(const std::filesystem::path& path);

  [[nodiscard]] Index pieces() const { return done_.size(); }
  [[nodiscard]] Index pieces_done() const;
  [[nodiscard]] bool done(Index piece) const { return done_[piece] == kDone; }
  /// How many were noted as finished, and were damaged when they were taken up.
  [[nodiscard]] Index pieces_damaged() const { return damaged_; }

  /// Element `first` of the array (row-major) and those after it. Throws UserError when they cannot be
  /// written, ShapeError when they are not of the array.
  template <class Real>
  void write(Index first, std::span<const Real> values);
  /// All of the piece is written. Thread-safe with sync().
  void finish(Index piece);
  /// The largest value, 0 at least, that figure n was given here and by those who left off before; it is on
  /// disk when what is finished after it is. Thread-safe with sync().
  void keep_largest(Index n, double value);
  [[nodiscard]] double largest(Index n) const { return maxima_.at(n); }
  /// Puts the notes on disk, after the values. Throws UserError.
  void sync();
  /// PATH.partial becomes PATH and PATH.progress goes. Throws UserError, InternalError unless all is
  /// finished.
  void close();
  /// Removes both files.
  void discard();

 private:
  static constexpr char kDone = '1', kOpen = '0';

  void start_anew(const std::string& head);
  void open_progress();
  bool take_up(const std::string& head);
  [[nodiscard]] std::string notes() const;
  bool read_notes(const std::string& notes);
  [[nodiscard]] std::uint32_t sum_of(Index piece) const;
  void open_damaged();
  void write_at(int file, std::uint64_t offset, std::span<const std::byte> bytes,
                const std::filesystem::path& name) const;

  std::filesystem::path path_, partial_, progress_;
  std::vector<Index> shape_;
  Index bytes_per_number_, numbers_ = 1;
  std::string notes_head_;
  NpyPieces division_;
  std::string done_;                 // a character a piece, as in the file
  std::vector<std::uint32_t> sums_;  // checksums of those that are done
  Index damaged_ = 0;
  std::vector<double> maxima_;
  std::uint64_t values_at_ = 0;
  int file_ = -1, notes_ = -1;
  bool dirty_ = false;
  double synced_ = 0;
  std::mutex mutex_;
};

}  // namespace ntape::io
