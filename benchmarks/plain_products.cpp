#include "plain_products.hpp"

#include <cblas.h>

#include <algorithm>
#include <functional>

#include "workload.hpp"

namespace plain_products {
namespace {

using workload::now;

constexpr int kTiles[] = {0, 64, 128, 256};  // 0: ssyrk

using Floats = std::vector<float>;

int whole(std::size_t n) {
  return static_cast<int>(n);
}

Floats numbers(std::size_t count, std::uint64_t stream) {
  Floats values(count);
  ntape::fill_normal<float>(ntape::Seed{1}, stream, 0, values);
  for (float& v : values) v *= 1e-3f;  // repeated updates stay finite
  return values;
}

// The lower triangle of a a^T, a [n x k], with what tiles have beyond it.
void gram(const Floats& a, int n, int k, int tile, Floats& out) {
  if (tile == 0) {
    cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, k, 1, a.data(), k, 0, out.data(), n);
    return;
  }
  for (int j = 0; j < n; j += tile)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n - j, std::min(tile, n - j), k, 1,
                a.data() + static_cast<std::size_t>(j) * k, k, a.data() + static_cast<std::size_t>(j) * k, k,
                0, out.data() + static_cast<std::size_t>(j) * n + j, n);
}

double least_seconds(const std::function<void()>& work) {
  double least = 1e300;
  for (int run = 0; run < 4; ++run) {
    const double start = now();
    work();
    least = std::min(least, now() - start);
  }
  return least;
}

}  // namespace

struct Products::Arrays {
  // Of one layer: activations [N x i], the weight [o x i], cotangents [C N x o].
  struct Layer {
    int i, o;
    Floats a, w, d;
    int tile_a = 0, tile_d = 0;
  };
  int n, rows;  // N, C N
  bool grams, steps;
  std::vector<Layer> layers;
  Floats gram_a, gram_d;

  explicit Arrays(const Work& work)
      : n(whole(work.examples)),
        rows(whole(work.examples * (work.full ? work.widths.back() : 1))),
        grams(work.grams),
        steps(work.steps),
        gram_a(grams ? work.examples * work.examples : 0),
        gram_d(grams ? static_cast<std::size_t>(rows) * static_cast<std::size_t>(rows) : 0) {
    for (std::size_t l = 0; l + 1 < work.widths.size(); ++l) {
      const std::size_t i = work.widths[l], o = work.widths[l + 1];
      layers.push_back({whole(i), whole(o), numbers(work.examples * i, 3 * l), numbers(i * o, 3 * l + 1),
                        numbers(static_cast<std::size_t>(rows) * o, 3 * l + 2)});
    }
    if (!grams) return;
    for (Layer& layer : layers) {
      layer.tile_a = fastest(layer.a, n, layer.i, gram_a);
      layer.tile_d = fastest(layer.d, rows, layer.o, gram_d);
    }
  }

  static int fastest(const Floats& a, int n, int k, Floats& out) {
    int best = 0;
    double least = 1e300;
    for (const int tile : kTiles) {
      const double seconds = least_seconds([&] { gram(a, n, k, tile, out); });
      if (seconds < least) {
        least = seconds;
        best = tile;
      }
    }
    return best;
  }

  void run() {
    const std::size_t last = layers.size() - 1;
    Floats& out = scratch;
    for (const Layer& l : layers) {
      out.resize(std::max(out.size(), static_cast<std::size_t>(rows) * std::max(l.i, l.o)));
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, l.o, l.i, 1, l.a.data(), l.i, l.w.data(), l.i,
                  0, out.data(), l.o);
    }
    for (std::size_t l = last;
         l-- > 1;) {  // unit seeds take no product in the last layer, nor the first inputs
      const Layer& at = layers[l];
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, at.i, at.o, 1, at.d.data(), at.o,
                  at.w.data(), at.i, 0, out.data(), at.i);
    }
    if (steps)
      for (Layer& l : layers)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, l.o, l.i, n, 1e-6f, l.d.data(), l.o, l.a.data(),
                    l.i, 1, l.w.data(), l.i);
    if (!grams) return;
    for (std::size_t l = 0; l <= last; ++l) {
      gram(layers[l].a, n, layers[l].i, layers[l].tile_a, gram_a);
      if (l < last) gram(layers[l].d, rows, layers[l].o, layers[l].tile_d, gram_d);
    }
  }
  Floats scratch = {};
};

Products::Products(const Work& work) : arrays_(std::make_unique<Arrays>(work)) {
  arrays_->run();
}
Products::~Products() = default;

double Products::seconds() {
  const double start = now();
  arrays_->run();
  return now() - start;
}

}  // namespace plain_products
