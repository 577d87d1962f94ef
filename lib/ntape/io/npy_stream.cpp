#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ntape/base/errors.hpp>
#include <ntape/io/bytes.hpp>
#include <ntape/io/npy.hpp>
#include <ntape/io/npy_stream.hpp>
#include <system_error>

namespace ntape::io {
namespace {

constexpr double kSecondsBetweenNotes = 5;
constexpr std::size_t kFigure = 26;  // of a line of the notes with a number in 17 digits
constexpr std::size_t kSum = 8;      // hexadecimal digits of a checksum
constexpr const char *kFirstWords = "ntape progress ", *kFirstLine = "ntape progress 2\n";

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& name) {
  throw UserError("cannot " + what + " '" + name.string() + "': " + std::generic_category().message(errno));
}

std::filesystem::path with(std::filesystem::path path, const char* suffix) {
  return path += suffix;
}

// What to do about a file, which has another beside it.
std::string without(const std::filesystem::path& other) {
  return "; remove it and '" + other.string() + "' to begin anew";
}

// "inputs: 64bits" a line.
std::string head_of(const Fingerprint& fingerprint) {
  std::string text = kFirstLine;
  for (const auto& [name, value] : fingerprint) text += name + ": " + value + '\n';
  return text + '\n';
}

// The name in the first line of `ours` that `theirs` does not have; empty when all are there.
std::string difference(const std::string& ours, const std::string& theirs) {
  for (std::size_t begin = 0, end; (end = ours.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = ours.substr(begin, end - begin);
    if (line.empty() || ("\n" + theirs).find("\n" + line + "\n") != std::string::npos) continue;
    return line.substr(0, line.find(':'));
  }
  return {};
}

}  // namespace

std::string checksum(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::byte b : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3U;
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash));
  return hex;
}

std::array<std::filesystem::path, 2> NpyStream::beside(const std::filesystem::path& path) {
  return {with(path, ".partial"), with(path, ".progress")};
}

NpyStream::NpyStream(std::filesystem::path path, std::vector<Index> shape, Index bytes_per_number,
                     NpyPieces pieces, Fingerprint fingerprint, Index maxima)
    : path_(std::move(path)),
      partial_(beside(path_)[0]),
      progress_(beside(path_)[1]),
      shape_(std::move(shape)),
      bytes_per_number_(bytes_per_number),
      division_(std::move(pieces)),
      done_(division_.count, kOpen),
      sums_(division_.count, 0),
      maxima_(maxima, 0.0),
      synced_(seconds()) {
  for (const Index extent : shape_) numbers_ *= extent;
  fingerprint.insert(fingerprint.begin(), {{"shape", shape_text(shape_)},
                                           {"bytes per number", std::to_string(bytes_per_number_)},
                                           {"pieces", std::to_string(division_.count)}});
  if (maxima > 0) fingerprint.emplace_back("figures", std::to_string(maxima));
  notes_head_ = head_of(fingerprint);
  const std::string head = npy_head(shape_, bytes_per_number_);
  values_at_ = head.size();
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(path_, ignored)))
    throw UserError("'" + path_.string() + "' exists already");
  try {
    open_progress();
    if (!take_up(head)) start_anew(head);
  } catch (...) {
    if (file_ >= 0) ::close(file_);
    if (notes_ >= 0) ::close(notes_);
    throw;
  }
}

void NpyStream::open_progress() {
  notes_ = open(progress_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (notes_ < 0) fail("open", progress_);
  if (flock(notes_, LOCK_EX | LOCK_NB) != 0)
    throw UserError("'" + path_.string() + "' is being written by another run");
}

// Whether there is something to continue. Throws UserError when it is of something else.
bool NpyStream::take_up(const std::string& head) {
  const std::uintmax_t size = head.size() + numbers_ * bytes_per_number_;
  const std::vector<std::byte> bytes = read_bytes(progress_);
  std::error_code none;
  const auto found = std::filesystem::file_size(partial_, none);
  if (bytes.empty()) {
    if (none) return false;
    std::filesystem::remove(progress_);
    throw UserError("'" + partial_.string() + "' exists already, and nothing says what it is");
  }
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string other = difference(notes_head_, text);
  const std::string advice = without(partial_);
  if (text.starts_with(kFirstWords) && !text.starts_with(kFirstLine))
    throw UserError("'" + progress_.string() + "' is of an unfinished array with other version" + advice);
  if (!text.starts_with(kFirstLine))
    throw UserError("'" + progress_.string() + "' is not the notes of an unfinished array" + advice);
  if (!other.empty())
    throw UserError("'" + progress_.string() + "' is of an unfinished array with other " + other + advice);
  if (!text.starts_with(notes_head_) || !read_notes(text.substr(notes_head_.size())))
    throw UserError("'" + progress_.string() + "' is damaged" + advice);
  if (!none && found != size)
    throw UserError("'" + partial_.string() + "' is damaged: it has " + std::to_string(found) +
                    " bytes, and " + std::to_string(size) + " are needed" + without(progress_));
  if (none) {  // the values are gone
    std::fill(done_.begin(), done_.end(), kOpen);
    std::fill(maxima_.begin(), maxima_.end(), 0.0);
    return false;
  }
  file_ = open(partial_.c_str(), O_RDWR | O_CLOEXEC);
  if (file_ < 0) fail("open", partial_);
  std::string there(head.size(), '\0');
  if (pread(file_, there.data(), there.size(), 0) < 0) fail("read", partial_);
  if (there == head) {
    open_damaged();
    return true;
  }
  // Before the first piece is noted, nothing but the head can be lost, and nothing says that it got to the
  // disk.
  if (pieces_done() > 0) throw UserError("'" + partial_.string() + "' is damaged" + without(progress_));
  write_at(file_, 0, std::as_bytes(std::span(head)), partial_);
  return true;
}

// Of the bytes that the file holds.
std::uint32_t NpyStream::sum_of(Index piece) const {
  uLong sum = crc32(0, nullptr, 0);
  std::array<Bytef, std::size_t{1} << 14> block;
  division_.stretches(piece, [&](Index first, Index count) {
    std::uint64_t offset = values_at_ + first * bytes_per_number_, left = count * bytes_per_number_;
    while (left > 0) {
      const ssize_t got =
          pread(file_, block.data(), std::min<std::uint64_t>(block.size(), left), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("read", partial_);
      if (got == 0) throw UserError("'" + partial_.string() + "' has become shorter");
      sum = crc32(sum, block.data(), static_cast<uInt>(got));
      offset += static_cast<std::uint64_t>(got);
      left -= static_cast<std::uint64_t>(got);
    }
  });
  return static_cast<std::uint32_t>(sum);
}

// Pieces whose values are not those that were noted are made anew. A machine that lost its power may have
// left some notes of a piece on disk and not the others.
void NpyStream::open_damaged() {
  for (Index piece = 0; piece < pieces(); ++piece) {
    if (!done(piece) || sum_of(piece) == sums_[piece]) continue;
    done_[piece] = kOpen;
    ++damaged_;
  }
}

// What follows the head, always of one length: pieces, their checksums, and figures a line each.
std::string NpyStream::notes() const {
  std::string text = done_ + '\n';
  for (const std::uint32_t sum : sums_) {
    char digits[kSum + 1];
    std::snprintf(digits, sizeof digits, "%08lx", static_cast<unsigned long>(sum));
    text += digits;
  }
  for (const double value : maxima_) {
    char line[kFigure + 1];
    std::snprintf(line, sizeof line, "\n%*.17g", static_cast<int>(kFigure) - 1, value);
    text += line;
  }
  return text;
}

// Whether they are notes.
bool NpyStream::read_notes(const std::string& notes) {
  const std::size_t pieces = done_.size(), sums = pieces + 1, figures = sums + kSum * pieces;
  if (notes.size() != figures + kFigure * maxima_.size() || notes[pieces] != '\n' ||
      notes.substr(0, pieces).find_first_not_of({kDone, kOpen}) != std::string::npos ||
      notes.substr(sums, kSum * pieces).find_first_not_of("0123456789abcdef") != std::string::npos)
    return false;
  done_ = notes.substr(0, pieces);
  for (std::size_t k = 0; k < pieces; ++k)
    sums_[k] =
        static_cast<std::uint32_t>(std::strtoul(notes.substr(sums + kSum * k, kSum).c_str(), nullptr, 16));
  for (std::size_t n = 0; n < maxima_.size(); ++n) {
    const std::string line = notes.substr(figures + n * kFigure, kFigure);
    char* end = nullptr;
    maxima_[n] = std::strtod(line.c_str(), &end);
    if (*end != '\0' || !(maxima_[n] >= 0)) return false;
  }
  return true;
}

void NpyStream::start_anew(const std::string& head) {
  try {
    file_ = open(partial_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0) fail("open", partial_);
    // Room for all of it now, rather than none in some hours; where that cannot be asked for, only the size.
    const auto size = static_cast<off_t>(head.size() + numbers_ * bytes_per_number_);
    if (fallocate(file_, 0, 0, size) != 0) {
      if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT) fail("make room for", path_);
      if (ftruncate(file_, size) != 0) fail("make room for", path_);
    }
    write_at(file_, 0, std::as_bytes(std::span(head)), partial_);
    const std::string text = notes_head_ + notes();
    write_at(notes_, 0, std::as_bytes(std::span(text)), progress_);
  } catch (...) {
    discard();
    throw;
  }
}

NpyStream::~NpyStream() {
  try {
    sync();
  } catch (const UserError&) {
    // What was noted before stays noted; the rest will be done again.
  }
  if (file_ >= 0) ::close(file_);
  if (notes_ >= 0) ::close(notes_);
}

Index NpyStream::pieces_done() const {
  return static_cast<Index>(std::count(done_.begin(), done_.end(), kDone));
}

void NpyStream::write_at(int file, std::uint64_t offset, std::span<const std::byte> bytes,
                         const std::filesystem::path& name) const {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write to", name);
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

template <class Real>
void NpyStream::write(Index first, std::span<const Real> values) {
  if (sizeof(Real) != bytes_per_number_ || first > numbers_ || values.size() > numbers_ - first)
    throw ShapeError("'" + path_.string() + "' has no room for " + std::to_string(values.size()) +
                     " numbers at " + std::to_string(first));
  write_at(file_, values_at_ + first * sizeof(Real), std::as_bytes(values), partial_);
}

void NpyStream::finish(Index piece) {
  const std::uint32_t sum = sum_of(piece);
  {
    const std::lock_guard lock(mutex_);
    sums_.at(piece) = sum;
    done_[piece] = kDone;
    dirty_ = true;
  }
  if (seconds() - synced_ > kSecondsBetweenNotes) sync();
}

void NpyStream::keep_largest(Index n, double value) {
  const std::lock_guard lock(mutex_);
  maxima_.at(n) = std::max(maxima_.at(n), value);
}

void NpyStream::sync() {
  const std::lock_guard lock(mutex_);
  if (!dirty_ || file_ < 0) return;
  if (fdatasync(file_) != 0) fail("write to", partial_);
  const std::string text = notes();
  write_at(notes_, notes_head_.size(), std::as_bytes(std::span(text)), progress_);
  dirty_ = false;
  synced_ = seconds();
}

void NpyStream::close() {
  if (pieces_done() != pieces()) throw InternalError("a .npy file was closed before all of it was written");
  sync();
  std::error_code error;
  // A link does not replace what may have come there meanwhile; not every file system has them.
  std::filesystem::create_hard_link(partial_, path_, error);
  if (error == std::errc::file_exists) throw UserError("'" + path_.string() + "' exists already");
  if (error) {
    if (std::rename(partial_.c_str(), path_.c_str()) != 0) fail("rename to", path_);
  }
  discard();
}

void NpyStream::discard() {
  const std::lock_guard lock(mutex_);
  std::error_code ignored;
  if (file_ >= 0) {
    std::filesystem::remove(partial_, ignored);
    ::close(file_);
    file_ = -1;
  }
  std::filesystem::remove(progress_, ignored);
}

template void NpyStream::write(Index, std::span<const float>);
template void NpyStream::write(Index, std::span<const double>);

}  // namespace ntape::io
