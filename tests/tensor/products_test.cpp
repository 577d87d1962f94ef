#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <ntape/base/errors.hpp>
#include <ntape/base/philox.hpp>
#include <ntape/tensor/linalg.hpp>
#include <vector>

#include "../support/temp_dir.hpp"

namespace tensor_products_test {

using namespace ntape;
using linalg::Op;
using linalg::view;
using linalg::View;

namespace {

struct Sizes {
  Index m, n, k;
};

// Every size next to a tile edge (256) and beyond two of them, in every role; one and no row; k = 0.
const std::vector<Sizes> kSizes = {{1, 1, 1},     {0, 5, 3},       {5, 0, 3},     {5, 3, 0},
                                   {300, 270, 0}, {257, 258, 127}, {255, 256, 7}, {256, 257, 2},
                                   {257, 255, 1}, {600, 1, 256},   {1, 600, 255}, {2, 257, 600},
                                   {600, 257, 1}, {256, 256, 5},   {257, 600, 3}};

template <class Real>
Matrix<Real> normal_matrix(Index rows, Index cols, std::uint64_t stream) {
  Matrix<Real> m = make_matrix<Real>(rows, cols);
  fill_normal<Real>(Seed{11}, stream, 0, {m.data(), m.size()});
  return m;
}

template <class Real>
Matrix<Real> transposed(const Matrix<Real>& m) {
  Matrix<Real> t = make_matrix<Real>(m.shape(1), m.shape(0));
  for (Index i = 0; i < m.shape(0); ++i)
    for (Index j = 0; j < m.shape(1); ++j) t(j, i) = m(i, j);
  return t;
}

// A B by the definition, and |A| |B|, which scales the rounding error of any order of summation.
struct Reference {
  std::vector<long double> product, magnitude;
};

template <class Real>
Reference naive_product(const Matrix<Real>& a, const Matrix<Real>& b_transposed) {
  const Index m = a.shape(0), n = b_transposed.shape(0), k = a.shape(1);
  Reference r{std::vector<long double>(m * n), std::vector<long double>(m * n)};
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j)
      for (Index l = 0; l < k; ++l) {
        const long double term = static_cast<long double>(row(a, i)[l]) * row(b_transposed, j)[l];
        r.product[i * n + j] += term;
        r.magnitude[i * n + j] += std::abs(term);
      }
  return r;
}

// A sum of k products in any order, scaled and added to another product, is off by at most
// (k + 3) u / (1 - (k + 3) u) times the sum of the magnitudes, u = eps/2 (Higham 2002, section 3.1); for the
// sizes here that is below (k + 4) u.
template <class Real>
long double rounding_bound(Index k, long double magnitude) {
  return static_cast<long double>(k + 4) * (std::numeric_limits<Real>::epsilon() / 2) * magnitude;
}

// C [rows x cols] inside wider rows; what lies between them must survive.
template <class Real>
struct PaddedRows {
  static constexpr Index kPadding = 3;
  static constexpr Real kMark = Real(-77);
  Index rows, cols, stride;
  std::vector<Real> storage;

  explicit PaddedRows(const Matrix<Real>& c)
      : rows(c.shape(0)), cols(c.shape(1)), stride(cols + kPadding), storage(rows * stride, kMark) {
    for (Index i = 0; i < rows; ++i) std::copy_n(row(c, i), cols, storage.data() + i * stride);
  }
  [[nodiscard]] Real at(Index i, Index j) const { return storage[i * stride + j]; }
  [[nodiscard]] bool padding_is_untouched() const {
    for (Index i = 0; i < rows; ++i)
      for (Index j = cols; j < stride; ++j)
        if (at(i, j) != kMark) return false;
    return true;
  }
};

template <class Real>
struct Factors {
  Matrix<Real> a, b, a_transposed, b_transposed;
  Reference reference;

  explicit Factors(Sizes s)
      : a(normal_matrix<Real>(s.m, s.k, 1)),
        b(normal_matrix<Real>(s.k, s.n, 2)),
        a_transposed(transposed(a)),
        b_transposed(transposed(b)),
        reference(naive_product(a, b_transposed)) {}
};

// By how much any entry of alpha op(A) op(B) + beta C exceeds the rounding bound; NaN when any is NaN.
template <class Real>
long double excess_error(const Factors<Real>& f, Real alpha, Real beta, const Matrix<Real>& c,
                         const PaddedRows<Real>& result) {
  long double excess = 0;
  for (Index i = 0; i < result.rows; ++i)
    for (Index j = 0; j < result.cols; ++j) {
      const Index at = i * result.cols + j;
      const long double start = beta == Real(0) ? 0 : static_cast<long double>(beta) * c(i, j);
      const long double want = alpha * f.reference.product[at] + start;
      const long double magnitude = std::abs(alpha) * f.reference.magnitude[at] + std::abs(start);
      const long double off =
          std::abs(result.at(i, j) - want) - rounding_bound<Real>(f.a.shape(1), magnitude);
      if (!(off <= 0) && !std::isnan(excess)) excess = off;
    }
  return excess;
}

template <class Real>
void check_gemm(const Factors<Real>& f, Real alpha, Real beta, const Matrix<Real>& c) {
  for (const Op op_a : {Op::plain, Op::transposed})
    for (const Op op_b : {Op::plain, Op::transposed}) {
      CAPTURE((op_a == Op::transposed));
      CAPTURE((op_b == Op::transposed));
      PaddedRows<Real> result(c);
      linalg::gemm(alpha, view(op_a == Op::plain ? f.a : f.a_transposed), op_a,
                   view(op_b == Op::plain ? f.b : f.b_transposed), op_b, beta, result.storage.data(),
                   result.stride);
      CHECK(result.padding_is_untouched());
      CHECK(excess_error(f, alpha, beta, c, result) == 0);
    }
}

template <class Real>
void check_gram(const Matrix<Real>& g, const Matrix<Real>& a, const Matrix<Real>& b) {
  REQUIRE((shape_of(g) == Shape{a.shape(0), b.shape(0)}));
  const Reference reference = naive_product(a, b);
  Index wrong = 0;
  for (Index k = 0; k < g.size(); ++k) {
    const long double off = std::abs(g.data()[k] - reference.product[k]);
    wrong += !(off <= rounding_bound<Real>(a.shape(1), reference.magnitude[k]));
  }
  CHECK(wrong == 0);
}

}  // namespace

// beta = 1 is how cotangents accumulate; beta = 0 must not read C, which may hold anything.
TEST_CASE_TEMPLATE("gemm is alpha op(A) op(B) + beta C, and with beta 0 does not read C", Real, float,
                   double) {
  for (const Sizes s : kSizes) {
    CAPTURE(s.m);
    CAPTURE(s.n);
    CAPTURE(s.k);
    const Factors<Real> factors(s);
    auto c = normal_matrix<Real>(s.m, s.n, 3);
    check_gemm<Real>(factors, Real(0.7), Real(-1.3), c);
    check_gemm<Real>(factors, Real(1), Real(1), c);
    c.fill(std::numeric_limits<Real>::quiet_NaN());
    check_gemm<Real>(factors, Real(0.7), Real(0), c);
  }
}

// Beyond one column of tiles (256, and 512 for wide products). A product's bits, and one addition.
TEST_CASE_TEMPLATE("affine is the product with a scaled row added to every row", Real, float, double) {
  for (const Sizes s :
       {Sizes{3, 5, 4}, Sizes{300, 260, 7}, Sizes{2, 1100, 3}, Sizes{0, 3, 2}, Sizes{5, 3, 0}}) {
    CAPTURE(s.n);
    const auto a = normal_matrix<Real>(s.m, s.k, 1), w = normal_matrix<Real>(s.n, s.k, 2);
    const auto b = normal_matrix<Real>(1, s.n, 3);
    Matrix<Real> c = make_matrix<Real>(s.m, s.n), product = make_matrix<Real>(s.m, s.n);
    c.fill(std::numeric_limits<Real>::quiet_NaN());
    linalg::gemm(Real(0.7), view(a), Op::plain, view(w), Op::transposed, Real(0), product.data(), s.n);
    linalg::affine(Real(0.7), view(a), view(w), Real(-1.5), b.data(), c.data());
    Index wrong = 0;
    for (Index i = 0; i < s.m; ++i)
      for (Index j = 0; j < s.n; ++j) wrong += !(c(i, j) == product(i, j) + Real(-1.5) * b(0, j));
    CHECK(wrong == 0);
  }
}

TEST_CASE_TEMPLATE("rows of a product in blocks of 256 have the bits of the whole", Real, float, double) {
  const auto a = normal_matrix<Real>(600, 70, 1), w = normal_matrix<Real>(1100, 70, 2);
  Matrix<Real> whole = make_matrix<Real>(600, 1100), parts = make_matrix<Real>(600, 1100);
  linalg::gemm(Real(1), view(a), Op::plain, view(w), Op::transposed, Real(0), whole.data(), Index{1100});
  for (Index first = 0; first < 600; first += 256) {
    const View<Real> block{row(a, first), std::min<Index>(256, 600 - first), 70};
    linalg::gemm(Real(1), block, Op::plain, view(w), Op::transposed, Real(0), row(parts, first), Index{1100});
  }
  CHECK(whole == parts);
}

TEST_CASE_TEMPLATE("NaN and infinity in a factor reach their row of the product and no other", Real, float,
                   double) {
  for (const Real bad : {std::numeric_limits<Real>::quiet_NaN(), std::numeric_limits<Real>::infinity()}) {
    auto a = normal_matrix<Real>(300, 20, 1);
    const auto b = normal_matrix<Real>(260, 20, 2);
    a(257, 3) = bad;
    const auto c = linalg::gram(view(a), view(b));
    for (Index i = 0; i < 300; ++i)
      CHECK(std::all_of(row(c, i), row(c, i) + 260, [](Real v) { return std::isfinite(v); }) == (i != 257));
    CHECK(std::none_of(row(c, 257), row(c, 257) + 260, [](Real v) { return std::isfinite(v); }));
  }
}

TEST_CASE("gemm refuses factors whose inner dimensions differ, naming both shapes") {
  const auto a = normal_matrix<double>(2, 3, 1), b = normal_matrix<double>(4, 5, 2);
  std::vector<double> c(100, 1.0);
  for (const Op op_a : {Op::plain, Op::transposed})
    for (const Op op_b : {Op::plain, Op::transposed}) {
      const std::string message = test::message_of<ShapeError>(
          [&] { linalg::gemm(1.0, view(a), op_a, view(b), op_b, 0.0, c.data(), 5); });
      CHECK(test::contains(message, op_a == Op::plain ? "2 x 3" : "3 x 2"));
      CHECK(test::contains(message, op_b == Op::plain ? "4 x 5" : "5 x 4"));
    }
  CHECK(std::all_of(c.begin(), c.end(), [](double v) { return v == 1.0; }));
  CHECK_THROWS_AS((void)linalg::gram(view(a), view(b)), ShapeError);
}

TEST_CASE("gemm refuses rows of C that would overlap") {
  const auto a = normal_matrix<double>(2, 3, 1), b = normal_matrix<double>(3, 5, 2);
  std::vector<double> c(100, 1.0);
  const std::string message = test::message_of<ShapeError>(
      [&] { linalg::gemm(1.0, view(a), Op::plain, view(b), Op::plain, 0.0, c.data(), 4); });
  CHECK(test::contains(message, "2 x 5"));
  CHECK(test::contains(message, "4"));
  CHECK(std::all_of(c.begin(), c.end(), [](double v) { return v == 1.0; }));
}

TEST_CASE("a dimension that BLAS cannot address is refused before anything is allocated") {
  const View<double> tall{nullptr, Index(1) << 31, 0}, flat{nullptr, 0, Index(1) << 31};
  CHECK(test::contains(test::message_of<UserError>([&] { (void)linalg::gram(tall); }), "2147483648"));
  CHECK(test::contains(test::message_of<UserError>([&] { (void)linalg::gram(tall, tall); }), "2147483648"));
  CHECK(test::contains(test::message_of<UserError>([&] { (void)linalg::gram(flat, flat); }), "2147483648"));
}

TEST_CASE_TEMPLATE("gram is the product with the transpose, for one and for two matrices", Real, float,
                   double) {
  for (const Sizes s : {Sizes{0, 3, 5},
                        {1, 256, 300},
                        {255, 1, 7},
                        {256, 257, 7},
                        {257, 600, 5},
                        {600, 0, 4},
                        {40, 30, 600},
                        {300, 270, 0}}) {
    CAPTURE(s.m);
    CAPTURE(s.n);
    CAPTURE(s.k);
    const auto a = normal_matrix<Real>(s.m, s.k, 1), b = normal_matrix<Real>(s.n, s.k, 2);
    check_gram(linalg::gram(view(a)), a, a);
    check_gram(linalg::gram(view(a), view(b)), a, b);
  }
}

TEST_CASE_TEMPLATE("the gram of one matrix is exactly symmetric", Real, float, double) {
  for (const Index n : std::initializer_list<Index>{1, 255, 256, 257, 600}) {
    CAPTURE(n);
    const auto a = normal_matrix<Real>(n, 7, 4);
    const auto g = linalg::gram(view(a));
    const auto mirrored = transposed(g);
    CHECK(std::equal(g.begin(), g.end(), mirrored.begin()));
  }
}

// xtensor-blas returns 4 x 4 here, because both factors start at the same address: exactly the kernel of the
// first training examples against all of them.
TEST_CASE_TEMPLATE("the gram of the first rows of a matrix against all its rows keeps every column", Real,
                   float, double) {
  const auto a = normal_matrix<Real>(6, 3, 5);
  auto first = make_matrix<Real>(4, 3);
  std::copy_n(a.data(), first.size(), first.data());
  check_gram(linalg::gram(View<Real>{a.data(), 4, 3}, view(a)), first, a);
  check_gram(linalg::gram(view(a), View<Real>{a.data(), 4, 3}), a, first);
}

}  // namespace tensor_products_test
