#include <algorithm>
#include <memory>
#include <ntape/jacobian/gram_terms.hpp>
#include <ntape/tensor/linalg.hpp>
#include <ntape/tensor/one_blas_thread.hpp>

namespace ntape::detail {
namespace {

// Rows of a tile of the Gram of cotangents, and columns; in the full form each example has a row for every
// output. Tall and narrow, for little of a symmetric kernel is then computed twice, and BLAS prefers tall to
// wide.
constexpr Index kMostRows = 384;
Index most_cols(Index columns) {
  return columns < 2048 ? 96 : 192;
}

// The largest power of two, at most `most`, with no more than `rows` rows: a tile's examples divide
// kGramBlock.
Index examples_of(Index rows, Index rows_per_example, Index most) {
  Index examples = most;
  while (examples > 1 && examples * rows_per_example > rows) examples /= 2;
  return examples;
}

// Examples [first, first + count) of [C x N x o] as [count C x o]: all outputs of an example under each
// other, as the full form has them.
template <class Real>
Matrix<Real> by_example(const Stack<Real>& d, Index first, Index count) {
  const Index outputs = d.shape(0), cols = d.shape(2);
  Matrix<Real> rows = make_matrix<Real>(count * outputs, cols);
#pragma omp parallel for schedule(static)
  for (Index n = 0; n < count; ++n)
    for (Index c = 0; c < outputs; ++c)
      std::copy_n(slice(d, c) + (first + n) * cols, cols, row(rows, n * outputs + c));
  return rows;
}

// Examples [i, i + rows) of the window against [j, j + cols).
struct Tile {
  Index i, rows, j, cols;
};

// Both ends of a tile lie on a grid that is the same for every window: what is in a tile, and so its bits, do
// not depend on the window.
std::vector<Tile> tiles_of(const GramWindow& window, Index rows_per_example, bool symmetric) {
  const Index height = examples_of(kMostRows, rows_per_example, kGramBlock);
  const Index columns = window.whole2 * rows_per_example;
  const Index width =
      std::min(height, examples_of(most_cols(columns), rows_per_example, columns < 2048 ? 64 : 128));
  std::vector<Tile> tiles;
  for (Index j = 0; j < window.count2; j += width)
    for (Index i = symmetric ? j : 0; i < window.count1;) {
      const Index end = std::min((i / height + 1) * height, window.count1);
      tiles.push_back({i, end - i, j, std::min(width, window.count2 - j)});
      i = end;
    }
  return tiles;
}

template <class Real>
linalg::View<Real> rows_of(const Matrix<Real>& m, Index first, Index count) {
  return {m.data() + first * m.shape(1), count, m.shape(1)};
}
template <class Real>
linalg::View<Real> rows_of(const Stack<Real>& d, Index c, Index first, Index count) {
  return {slice(d, c) + first * d.shape(2), count, d.shape(2)};
}

// A term with its cotangents laid out for the form.
template <class Real>
struct Laid {
  const GramTerm<Real>* term;
  std::unique_ptr<Matrix<Real>> rows1 = {},
                                rows2 = {};  // full form of several outputs; rows2 null: rows1 again

  [[nodiscard]] const Matrix<Real>& second() const { return rows2 ? *rows2 : *rows1; }
};

// One thread's memory: the weights of a tile, a Gram of cotangents, a row of weights spread over outputs.
template <class Real>
struct Desk {
  std::vector<Real> weights, gram, spread;

  Real* need(std::vector<Real>& which, Index size) {
    if (which.size() < size) which.resize(size);
    return which.data();
  }
};

template <class Real>
class TileSum {
 public:
  TileSum(KernelForm form, Index outputs, const GramWindow& window)
      : form_(form), outputs_(outputs), window_(window) {}

  void operator()(const Laid<Real>& laid, const Tile& t, Desk<Real>& desk, Matrix<Real>& out) const {
    const GramTerm<Real>& term = *laid.term;
    Real constant = Real(0);
    bool only_ones = true;
    for (const auto& input : term.inputs) {
      if (input.a1)
        only_ones = false;
      else
        constant += input.scale;
    }
    const Real* w = only_ones ? nullptr : weights(term, t, constant, desk);
    if (form_ == KernelForm::full && outputs_ > 1) return add_full(laid, t, desk, w, constant, out);
    Real* gram = desk.need(desk.gram, t.rows * t.cols);
    const bool trace = form_ == KernelForm::trace;
    for (Index c = 0; c < outputs_; ++c) {
      linalg::gram_tile(rows_of(*term.d1, c, window_.first1 + t.i, t.rows),
                        rows_of(*term.d2, c, window_.first2 + t.j, t.cols), Real(trace && c > 0 ? 1 : 0),
                        gram, t.cols);
      if (trace && c + 1 < outputs_) continue;
      const Index first = (trace ? 0 : c * window_.count1) + t.i;
      const Real share = trace ? Real(1) / static_cast<Real>(outputs_) : Real(1);
      for (Index r = 0; r < t.rows; ++r)
        add_row(gram + r * t.cols, w ? w + r * t.cols : nullptr, share, constant, t.cols,
                row(out, first + r) + t.j);
    }
  }

 private:
  // The sum of input Grams on a tile [rows x cols].
  Real* weights(const GramTerm<Real>& term, const Tile& t, Real constant, Desk<Real>& desk) const {
    Real* weights = desk.need(desk.weights, t.rows * t.cols);
    std::fill_n(weights, t.rows * t.cols, constant);
    Real* gram = desk.need(desk.gram, t.rows * t.cols);
    for (const auto& input : term.inputs) {
      if (!input.a1) continue;
      linalg::gram_tile(rows_of(*input.a1, window_.first1 + t.i, t.rows),
                        rows_of(*input.a2, window_.first2 + t.j, t.cols), Real(0), gram, t.cols);
      for (Index k = 0; k < t.rows * t.cols; ++k) weights[k] += input.scale * gram[k];
    }
    return weights;
  }

  static void add_row(const Real* gram, const Real* weights, Real share, Real constant, Index cols,
                      Real* out) {
    if (weights)
      for (Index k = 0; k < cols; ++k) out[k] += share * weights[k] * gram[k];
    else
      for (Index k = 0; k < cols; ++k) out[k] += share * constant * gram[k];
  }

  void add_full(const Laid<Real>& laid, const Tile& t, Desk<Real>& desk, const Real* w, Real constant,
                Matrix<Real>& out) const {
    const Index cols = t.cols * outputs_, rows = t.rows * outputs_;
    Real* gram = desk.need(desk.gram, rows * cols);
    linalg::gram_tile(rows_of(*laid.rows1, t.i * outputs_, rows),
                      rows_of(laid.second(), t.j * outputs_, cols), Real(0), gram, cols);
    Real* spread = desk.need(desk.spread, cols);
    std::fill_n(spread, cols, constant);
    for (Index n = 0; n < t.rows; ++n) {
      if (w)
        for (Index m = 0; m < t.cols; ++m) std::fill_n(spread + m * outputs_, outputs_, w[n * t.cols + m]);
      for (Index c = 0; c < outputs_; ++c) {
        const Index r = n * outputs_ + c;
        add_row(gram + r * cols, spread, Real(1), constant, cols,
                row(out, t.i * outputs_ + r) + t.j * outputs_);
      }
    }
  }

  KernelForm form_;
  Index outputs_;
  GramWindow window_;
};

}  // namespace

template <class Real>
void add_terms(const std::vector<std::vector<GramTerm<Real>>>& terms, KernelForm form, bool symmetric,
               const GramWindow& window, std::vector<Matrix<Real>>& out) {
  const GramTerm<Real>* any = nullptr;
  std::vector<std::vector<Laid<Real>>> laid(terms.size());
  for (Index g = 0; g < terms.size(); ++g)
    for (const auto& term : terms[g]) {
      any = &term;
      // What BLAS cannot count is refused here: no exception can leave a parallel region.
      for (const Stack<Real>* d : {term.d1, term.d2})
        linalg::gram_tile(rows_of(*d, 0, 0, 0), rows_of(*d, 0, 0, 0), Real(0), static_cast<Real*>(nullptr),
                          0);
      laid[g].push_back({&term});
      if (form != KernelForm::full || term.d1->shape(0) == 1) continue;
      laid[g].back().rows1 =
          std::make_unique<Matrix<Real>>(by_example(*term.d1, window.first1, window.count1));
      if (term.d1 != term.d2 || window.first1 != window.first2 || window.count1 != window.count2)
        laid[g].back().rows2 =
            std::make_unique<Matrix<Real>>(by_example(*term.d2, window.first2, window.count2));
    }
  if (!any) return;
  const Index outputs = any->d1->shape(0);
  const std::vector<Tile> tiles = tiles_of(window, form == KernelForm::full ? outputs : 1, symmetric);
  const TileSum<Real> add(form, outputs, window);
  const Index jobs = tiles.size() * laid.size();
#pragma omp parallel if (jobs > 1)
  {
    const linalg::OneBlasThread one_thread;
    Desk<Real> desk;
#pragma omp for schedule(dynamic)
    for (Index k = 0; k < jobs; ++k)
      for (const auto& term : laid[k % laid.size()])
        add(term, tiles[k / laid.size()], desk, out[k % laid.size()]);
  }
}

template <class Real>
void mirror_kernel(KernelForm form, Matrix<Real>& kernel) {
  const Index n = kernel.shape(1);
  if (n == 0) return;
  const Index blocks = form == KernelForm::diagonal ? kernel.shape(0) / n : 1;
  for (Index c = 0; c < blocks; ++c) linalg::mirror_lower(kernel.data() + c * n * n, n);
}

#define NTAPE_INSTANTIATE(Real)                                                              \
  template void add_terms(const std::vector<std::vector<GramTerm<Real>>>&, KernelForm, bool, \
                          const GramWindow&, std::vector<Matrix<Real>>&);                    \
  template void mirror_kernel(KernelForm, Matrix<Real>&);
NTAPE_INSTANTIATE(float)
NTAPE_INSTANTIATE(double)
NTAPE_INSTANTIATE(Dual<float>)
NTAPE_INSTANTIATE(Dual<double>)
#undef NTAPE_INSTANTIATE

}  // namespace ntape::detail
