#pragma once

#include <cstdint>
#include <filesystem>
#include <ntape/tensor/matrix.hpp>
#include <vector>

namespace ntape::data {

/// Grey images with a label each: pixels is [count x rows x cols], row-major; labels is [count].
struct LabelledImages {
  Index count = 0;
  Index rows = 0;
  Index cols = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> labels;
};

/// Reads a pair of IDX files (the format of MNIST), plain or gzipped. A limit > 0 keeps the first `limit`
/// images only and does not look beyond them. Throws UserError, naming the file: missing, wrong magic
/// number, no images or empty ones, truncated or damaged, trailing bytes (without a limit), counts that
/// differ between the two, a limit beyond the count.
[[nodiscard]] LabelledImages read_idx(const std::filesystem::path& images,
                                      const std::filesystem::path& labels, Index limit = 0);

struct IdxPaths {
  std::filesystem::path images;
  std::filesystem::path labels;
};
/// The training set of Debian's package dataset-fashion-mnist (60000 images of 28 x 28, ten classes).
/// Throws UserError, naming the package to install, when it is not there.
[[nodiscard]] IdxPaths fashion_mnist_paths();
/// The 10000 digits that tools/get-mnist writes, in ./data/mnist or else in ntape/mnist of the user's data
/// home
/// ($XDG_DATA_HOME, by default ~/.local/share). Throws UserError, naming that command, when they are not
/// there.
[[nodiscard]] IdxPaths mnist_paths();

}  // namespace ntape::data
