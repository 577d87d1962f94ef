#pragma once

#include <memory>
#include <vector>

/// The matrix products of a kernel or a training step by plain OpenBLAS, whole, in arrays made once, and
/// nothing else: no activations, no copies, no tiles of ntape's. What no program on top of this BLAS can be
/// faster than.
namespace plain_products {

struct Work {
  std::vector<std::size_t> widths;  ///< n_0 .. n_L
  std::size_t examples = 0;
  bool full = false;   ///< of all pairs of outputs; otherwise there is one output
  bool grams = false;  ///< of activations and cotangents
  bool steps = false;  ///< gradients, added to the weights
};

class Products {
 public:
  /// Each Gram by the fastest of ssyrk, and tiles up to the diagonal of 64, 128 or 256 columns by sgemm.
  explicit Products(const Work& work);
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  /// Does all of it once, in single precision; the seconds that it took.
  [[nodiscard]] double seconds();

 private:
  struct Arrays;
  std::unique_ptr<Arrays> arrays_;
};

}  // namespace plain_products
