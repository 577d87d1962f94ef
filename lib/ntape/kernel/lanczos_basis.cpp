#include <algorithm>
#include <limits>
#include <ntape/base/philox.hpp>
#include <ntape/kernel/lanczos_basis.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape::lanczos {
namespace {

// A seed of its own: networks and data count theirs from 0.
constexpr Seed kSeed{0x6c616e637a6f73};

double length_of(const std::vector<double>& w) {
  double square = 0;
  for (const double entry : w) square += entry * entry;
  return std::sqrt(square);
}

}  // namespace

Basis::Basis(const SymmetricMap& a, Index size, Index most)
    : a_(a), q_(make_matrix<double>(most, size)), t_(zeros<double>(most, most)), w_(size) {}

void Basis::add_random() {
  random(w_, count_);
  append(1);
}

void Basis::step() {
  if (waiting() == 0) add_random();  // an invariant subspace
  const Index l = known_++;
  multiply(row(q_, l), w_);
  std::vector<double> along(count_);
  const double left = reduce(w_, count_, &along);
  for (Index k = locked_; k < count_; ++k) t_(k, l) = t_(l, k) = along[k];
  if (left == 0) return;
  t_(count_, l) = t_(l, count_) = left;
  append(left);
}

Ritz Basis::ritz() const {
  const Index n = known();
  Matrix<double> t = make_matrix<double>(n, n);
  for (Index k = 0; k < n; ++k)
    for (Index l = 0; l < n; ++l) t(k, l) = t_(locked_ + k, locked_ + l);
  const auto all = linalg::symmetric_eigen(t);
  Ritz r{{all.values.rbegin(), all.values.rend()}, make_matrix<double>(n, n), {}};
  for (Index k = 0; k < n; ++k) {
    std::copy_n(row(all.vectors, n - 1 - k), n, row(r.coordinates, k));
    double square = 0;
    for (Index w = known_; w < count_; ++w) square += std::pow(left_at(w, row(r.coordinates, k)), 2);
    r.residuals.push_back(std::sqrt(square));
  }
  return r;
}

void Basis::keep(const Ritz& r, Index first) {
  const Index n = known(), waiting = this->waiting();
  Matrix<double> t = zeros<double>(t_.shape(0), t_.shape(1));
  for (Index k = 0; k < first; ++k) {
    const Index to = locked_ + k;
    t(to, to) = r.values[k];
    for (Index w = 0; w < waiting; ++w)
      t(locked_ + first + w, to) = t(to, locked_ + first + w) = left_at(known_ + w, row(r.coordinates, k));
  }
  t_ = std::move(t);
  constexpr Index kColumns = 1024;
  std::vector<double> old(n * kColumns), rotated(first * kColumns);
  for (Index from = 0; from < size(); from += kColumns) {
    const Index columns = std::min(kColumns, size() - from);
    for (Index k = 0; k < n; ++k) std::copy_n(row(q_, locked_ + k) + from, columns, old.data() + k * columns);
    linalg::gemm<double>(1, {r.coordinates.data(), first, n}, linalg::Op::plain, {old.data(), n, columns},
                         linalg::Op::plain, 0, rotated.data(), columns);
    for (Index k = 0; k < first; ++k)
      std::copy_n(rotated.data() + k * columns, columns, row(q_, locked_ + k) + from);
  }
  for (Index w = 0; w < waiting; ++w) std::copy_n(row(q_, known_ + w), size(), row(q_, locked_ + first + w));
  known_ = locked_ + first;
  count_ = known_ + waiting;
}

void Basis::lock(Index first) {
  locked_ = known_ = count_ = first;
  t_.fill(0);
}

void Basis::replace(Index locked, Index by) {
  std::copy_n(row(q_, by), size(), row(q_, locked));
}

void Basis::multiply(const double* x, std::vector<double>& y) {
  a_(x, y.data());
  ++products_;
}

double Basis::reduce(std::vector<double>& w, Index rows, std::vector<double>* along) const {
  const double whole = length_of(w);
  double left = whole;
  std::vector<double> part(rows);
  // Where most of w goes, what stays is no longer orthogonal to rounding: once more.
  for (double before = HUGE_VAL; rows > 0 && left < before / 2;) {
    before = left;
    linalg::gemm<double>(1, {w.data(), 1, size()}, linalg::Op::plain, {q_.data(), rows, size()},
                         linalg::Op::transposed, 0, part.data(), rows);
    linalg::gemm<double>(-1, {part.data(), 1, rows}, linalg::Op::plain, {q_.data(), rows, size()},
                         linalg::Op::plain, 1, w.data(), size());
    if (along)
      for (Index k = 0; k < rows; ++k) (*along)[k] += part[k];
    left = length_of(w);
    if (!(left > 16 * std::numeric_limits<double>::epsilon() * whole)) return 0;
  }
  return left;
}

void Basis::random(std::vector<double>& w, Index rows) {
  double length = 0;
  while (length == 0) {
    fill_normal<double>(kSeed, stream_++, 0, w);
    length = reduce(w, rows);
  }
  for (double& entry : w) entry /= length;
}

void Basis::append(double length) {
  double* q = row(q_, count_++);
  for (Index i = 0; i < size(); ++i) q[i] = w_[i] / length;
}

double Basis::left_at(Index waiting, const double* coordinates) const {
  double sum = 0;
  for (Index k = 0; k < known(); ++k) sum += t_(waiting, locked_ + k) * coordinates[k];
  return sum;
}

}  // namespace ntape::lanczos
