#include <doctest/doctest.h>
#include <omp.h>

#include <cstring>
#include <ntape/base/philox.hpp>
#include <ntape/tensor/linalg.hpp>
#include <vector>

namespace tensor_thread_identity_test {

using namespace ntape;
using linalg::Op;
using linalg::view;

namespace {

template <class Real>
Matrix<Real> normal_matrix(Index rows, Index cols, std::uint64_t stream) {
  Matrix<Real> m = make_matrix<Real>(rows, cols);
  fill_normal<Real>(Seed{12}, stream, 0, {m.data(), m.size()});
  return m;
}

// What `compute` returns on `threads` threads.
template <class Compute>
auto on_threads(int threads, Compute&& compute) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  auto result = compute();
  omp_set_num_threads(before);
  return result;
}

template <class Real>
bool same_bits(const Matrix<Real>& a, const Matrix<Real>& b) {
  return shape_of(a) == shape_of(b) && std::memcmp(a.data(), b.data(), a.size() * sizeof(Real)) == 0;
}
bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

template <class Compute>
void check_same_on_any_number_of_threads(Compute&& compute) {
  const auto one = on_threads(1, compute);
  for (const int threads : {2, 3}) {
    CAPTURE(threads);
    CHECK(same_bits(one, on_threads(threads, compute)));
  }
}

// Parallel regions that get one thread only, though two were asked for: what a thread limit, dynamic thread
// counts on a busy machine, or nesting do.
class NoTeams {
 public:
  NoTeams() : levels_(omp_get_max_active_levels()), threads_(omp_get_max_threads()) {
    omp_set_max_active_levels(0);
    omp_set_num_threads(2);
  }
  NoTeams(const NoTeams&) = delete;
  NoTeams& operator=(const NoTeams&) = delete;
  ~NoTeams() {
    omp_set_max_active_levels(levels_);
    omp_set_num_threads(threads_);
  }

 private:
  int levels_, threads_;
};

}  // namespace

// One tile, a part of one, and several in either direction; inner dimensions that BLAS would split.
TEST_CASE_TEMPLATE("products have the same bits on any number of threads", Real, float, double) {
  struct Sizes {
    Index m, n, k;
  };
  for (const Sizes s : {Sizes{100, 90, 700}, Sizes{256, 256, 900}, Sizes{530, 255, 200}, Sizes{3, 600, 900},
                        Sizes{513, 530, 40}}) {
    CAPTURE(s.m);
    CAPTURE(s.n);
    CAPTURE(s.k);
    const auto a = normal_matrix<Real>(s.m, s.k, 1), b = normal_matrix<Real>(s.n, s.k, 2);
    const auto a_t = normal_matrix<Real>(s.k, s.m, 3), b_t = normal_matrix<Real>(s.k, s.n, 4);
    const auto start = normal_matrix<Real>(s.m, s.n, 5);
    check_same_on_any_number_of_threads([&] { return linalg::gram(view(a), view(b)); });
    check_same_on_any_number_of_threads([&] { return linalg::gram(view(a)); });
    for (const bool left : {false, true})
      for (const bool right : {false, true})
        check_same_on_any_number_of_threads([&] {
          auto c = start;
          linalg::gemm(Real(0.7), view(left ? a_t : a), left ? Op::transposed : Op::plain,
                       view(right ? b : b_t), right ? Op::transposed : Op::plain, Real(1), c.data(), s.n);
          return c;
        });
  }
}

TEST_CASE("eigenvalues and eigenvectors have the same bits on any number of threads") {
  const auto a = linalg::gram(view(normal_matrix<double>(300, 400, 6)));
  check_same_on_any_number_of_threads([&] { return linalg::symmetric_eigen(a).vectors; });
  check_same_on_any_number_of_threads([&] { return linalg::symmetric_eigen(a).values; });
  check_same_on_any_number_of_threads([&] { return linalg::symmetric_eigenvalues(a); });
}

TEST_CASE("products and decompositions have the same bits inside a parallel region") {
  const auto a = normal_matrix<double>(300, 500, 7);
  const auto product = [&] { return linalg::gram(view(a)); };
  const auto values = [&] { return linalg::symmetric_eigenvalues(product()); };
  const auto want = on_threads(1, product);
  const auto want_values = on_threads(1, values);
  int same = 0;
#pragma omp parallel num_threads(2) reduction(+ : same)
  same += same_bits(product(), want) && same_bits(values(), want_values);
  CHECK(same == 2);
}

// OpenBLAS 0.3.21 waits forever here when it is left to choose its threads.
TEST_CASE("products and decompositions end, with the same bits, when parallel regions get one thread") {
  const auto a = normal_matrix<double>(300, 500, 8);
  const auto product = [&] { return linalg::gram(view(a)); };
  const auto vectors = [&] { return linalg::symmetric_eigen(product()).vectors; };
  const auto want = on_threads(1, product);
  const auto want_vectors = on_threads(1, vectors);
  const NoTeams no_teams;
  CHECK(same_bits(product(), want));
  CHECK(same_bits(vectors(), want_vectors));
}

TEST_CASE("the number of threads of the caller is left as it was") {
  const auto a = normal_matrix<double>(300, 20, 9);
  const auto threads_after = on_threads(3, [&] {
    (void)linalg::symmetric_eigen(linalg::gram(view(a)));
    return omp_get_max_threads();
  });
  CHECK(threads_after == 3);
}

}  // namespace tensor_thread_identity_test
