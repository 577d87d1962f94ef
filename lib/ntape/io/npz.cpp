#include <zip.h>

#include <array>
#include <cerrno>
#include <map>
#include <ntape/base/errors.hpp>
#include <ntape/io/npy_header.hpp>
#include <ntape/io/npz.hpp>
#include <utility>

namespace ntape::io {
namespace {

constexpr std::string_view kSuffix = ".npy";

struct DiscardArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;

struct CloseEntry {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;

Archive open_archive(const std::filesystem::path& path, int flags, const std::string& purpose) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), flags, &code));
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw UserError("cannot open '" + path.string() + "' " + purpose + ": " + reason);
  }
  return archive;
}

}  // namespace

struct NpzReader::Impl {
  std::filesystem::path path;
  Archive archive;
  std::vector<std::string> names;
  std::map<std::string, zip_uint64_t> index;

  [[noreturn]] void fail(const std::string& name, const std::string& defect) const {
    throw UserError("cannot read the array '" + name + "' of '" + path.string() + "': " + defect);
  }

  [[nodiscard]] std::string what(const std::string& name) const { return path.string() + ":" + name; }

  [[nodiscard]] zip_uint64_t find(const std::string& name) const {
    const auto found = index.find(name);
    if (found != index.end()) return found->second;
    std::string known;
    for (const std::string& other : names) known += (known.empty() ? "" : ", ") + other;
    throw UserError("'" + path.string() + "' has no array '" + name + "'; it has " +
                    (known.empty() ? "no arrays" : known));
  }
  [[nodiscard]] zip_uint64_t size(const std::string& name) const {
    zip_stat_t stat;
    if (zip_stat_index(archive.get(), find(name), 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0)
      fail(name, "its size is not recorded");
    return stat.size;
  }
  [[nodiscard]] Entry open(const std::string& name) const {
    Entry entry(zip_fopen_index(archive.get(), find(name), 0));
    if (!entry) fail(name, zip_strerror(archive.get()));
    return entry;
  }
  std::size_t some(zip_file_t* entry, const std::string& name, std::span<std::byte> bytes) const {
    const zip_int64_t count = zip_fread(entry, bytes.data(), bytes.size());
    if (count < 0) fail(name, zip_file_strerror(entry));
    return static_cast<std::size_t>(count);
  }
  // Reads to the end, because that is when the checksum is compared, and keeps nothing, because a damaged
  // directory can announce any size.
  template <class Take>
  void drain(const std::string& name, const Take& take) const {
    const Entry entry = open(name);
    const zip_uint64_t announced = size(name);
    std::array<std::byte, std::size_t{1} << 16> block;
    zip_uint64_t there = 0;
    for (std::size_t count; (count = some(entry.get(), name, block)) > 0; there += count)
      take(std::span(block).first(count));
    if (there != announced)
      fail(name,
           std::to_string(announced) + " bytes are announced and " + std::to_string(there) + " are there");
  }
  void verify(const std::string& name) const {
    drain(name, [](std::span<const std::byte>) {});
  }
};

NpzReader::NpzReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->archive = open_archive(path, ZIP_RDONLY, "as an .npz archive");
  const zip_int64_t count = zip_get_num_entries(impl_->archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    const char* const raw = zip_get_name(impl_->archive.get(), index, 0);
    if (raw == nullptr) throw UserError("cannot read the names of the arrays in '" + path.string() + "'");
    std::string name(raw);
    if (!name.ends_with(kSuffix)) continue;
    name.resize(name.size() - kSuffix.size());
    if (!impl_->index.emplace(name, index).second) {
      throw UserError("'" + path.string() + "' holds two arrays named '" + name + "'");
    }
    impl_->names.push_back(std::move(name));
  }
}

NpzReader::NpzReader(NpzReader&&) noexcept = default;
NpzReader& NpzReader::operator=(NpzReader&&) noexcept = default;
NpzReader::~NpzReader() = default;

std::vector<std::string> NpzReader::names() const {
  return impl_->names;
}

bool NpzReader::has(const std::string& name) const {
  return impl_->index.contains(name);
}

NpyArray<double> NpzReader::read(const std::string& name) const {
  std::vector<std::byte> bytes;
  impl_->drain(
      name, [&](std::span<const std::byte> block) { bytes.insert(bytes.end(), block.begin(), block.end()); });
  return read_npy(bytes, impl_->what(name));
}

std::vector<Index> NpzReader::shape(const std::string& name) const {
  const Entry entry = impl_->open(name);
  const auto source = [&](std::span<std::byte> bytes) { return impl_->some(entry.get(), name, bytes); };
  try {
    return npy_shape(source, impl_->size(name), impl_->what(name));
  } catch (const UserError&) {
    impl_->verify(name);  // what is damaged is called that, whatever its header looks like
    throw;
  }
}

void NpzReader::visit(const std::string& name, NpyVisitor& visitor) const {
  impl_->verify(name);
  const Entry entry = impl_->open(name);
  visit_npy([&](std::span<std::byte> bytes) { return impl_->some(entry.get(), name, bytes); },
            impl_->size(name), impl_->what(name), visitor);
}

struct NpzWriter::Impl {
  struct Item {
    std::string name;
    std::vector<std::byte> bytes;       // all of the image, or its head
    std::span<const std::byte> values;  // what follows
  };
  std::filesystem::path path;
  std::vector<Item> items;
  bool closed = false;

  void require_open() const {
    if (closed) throw InternalError("the archive '" + path.string() + "' is already closed");
  }
  void require_new(const std::string& name) const {
    require_open();
    if (name.empty()) fail("an array needs a name that is not empty");
    for (const auto& item : items)
      if (item.name == name) fail("the array '" + name + "' was added already");
  }
  [[noreturn]] void fail(const std::string& reason) const {
    throw UserError("cannot write the archive '" + path.string() + "': " + reason);
  }
};

NpzWriter::NpzWriter(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  // Closing renames a finished file onto the path, which must not take the place of a device.
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    impl_->fail("it exists and is not a regular file");
  }
}

NpzWriter::NpzWriter(NpzWriter&&) noexcept = default;
NpzWriter& NpzWriter::operator=(NpzWriter&&) noexcept = default;
NpzWriter::~NpzWriter() = default;

template <class Real>
void NpzWriter::add(const std::string& name, const std::vector<Index>& shape, std::span<const Real> values) {
  impl_->require_new(name);
  impl_->items.push_back({name, npy_bytes(std::span<const Index>(shape), values), {}});
}

template <class Real>
void NpzWriter::add(const std::string& name, const Matrix<Real>& matrix) {
  add(name, {matrix.shape(0), matrix.shape(1)}, std::span<const Real>(matrix.data(), matrix.size()));
}

template <class Real>
void NpzWriter::refer(const std::string& name, const std::vector<Index>& shape,
                      std::span<const Real> values) {
  impl_->require_new(name);
  const std::string head = npy_head_of(shape, values.size(), sizeof(Real));
  const auto bytes = std::as_bytes(std::span(head));
  impl_->items.push_back({name, {bytes.begin(), bytes.end()}, std::as_bytes(values)});
}

void NpzWriter::close() {
  impl_->require_open();
  if (impl_->items.empty()) impl_->fail("at least one array is needed");
  impl_->closed = true;
  Archive archive = open_archive(impl_->path, ZIP_CREATE | ZIP_TRUNCATE, "for writing");
  for (const auto& item : impl_->items) {
    // Neither is written to; libzip has one type for buffers that it fills and those that it reads.
    const auto part = [](std::span<const std::byte> bytes) {
      return zip_buffer_fragment_t{reinterpret_cast<zip_uint8_t*>(const_cast<std::byte*>(bytes.data())),
                                   bytes.size()};
    };
    const std::array<zip_buffer_fragment_t, 2> parts{part(item.bytes), part(item.values)};
    zip_source_t* const source =
        zip_source_buffer_fragment(archive.get(), parts.data(), item.values.empty() ? 1 : 2, 0);
    if (source == nullptr) impl_->fail(zip_strerror(archive.get()));
    const zip_int64_t added =
        zip_file_add(archive.get(), (item.name + std::string(kSuffix)).c_str(), source, ZIP_FL_ENC_UTF_8);
    if (added < 0) {
      const std::string reason = zip_strerror(archive.get());
      zip_source_free(source);
      impl_->fail("adding '" + item.name + "': " + reason);
    }
    const auto index = static_cast<zip_uint64_t>(added);
    // 1980-01-01 00:00, the first instant a zip archive can name; no time zone takes part in it.
    constexpr zip_uint16_t kTime = 0, kDate = 0x21;
    constexpr zip_uint32_t kAttributes = 0100644U << 16;
    if (zip_set_file_compression(archive.get(), index, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive.get(), index, kTime, kDate, 0) != 0 ||
        zip_file_set_external_attributes(archive.get(), index, 0, ZIP_OPSYS_UNIX, kAttributes) != 0) {
      impl_->fail(zip_strerror(archive.get()));
    }
  }
  if (zip_close(archive.get()) != 0) impl_->fail(zip_strerror(archive.get()));
  archive.release();  // zip_close freed it
  impl_->items.clear();
}

template void NpzWriter::add(const std::string&, const std::vector<Index>&, std::span<const float>);
template void NpzWriter::add(const std::string&, const std::vector<Index>&, std::span<const double>);
template void NpzWriter::refer(const std::string&, const std::vector<Index>&, std::span<const float>);
template void NpzWriter::refer(const std::string&, const std::vector<Index>&, std::span<const double>);
template void NpzWriter::add(const std::string&, const Matrix<float>&);
template void NpzWriter::add(const std::string&, const Matrix<double>&);

}  // namespace ntape::io
