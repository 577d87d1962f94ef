#define EIGEN_DONT_PARALLELIZE
#include <Spectra/SymEigsSolver.h>

#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/base/philox.hpp>
#include <ntape/kernel/lanczos.hpp>
#include <numeric>
#include <stdexcept>

namespace ntape {
namespace {

// "Lanczos": these random vectors are no network's.
constexpr std::uint64_t kSeed = 0x4c616e637a6f73;

// Unit vectors, orthogonal to each other, and their eigenvalues.
struct Found {
  std::vector<double> values;
  std::vector<std::vector<double>> vectors;

  // What of y they span is taken off.
  void take_off(double* y) const {
    for (const std::vector<double>& v : vectors) {
      const double along = std::inner_product(v.begin(), v.end(), y, 0.0);
      for (Index i = 0; i < v.size(); ++i) y[i] -= along * v[i];
    }
  }

  void add(double value, std::vector<double> v) {
    for (int twice = 0; twice < 2; ++twice) take_off(v.data());
    const double length = std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
    for (double& entry : v) entry /= length;
    values.push_back(value);
    vectors.push_back(std::move(v));
  }

  void keep_largest(Index count) {
    std::vector<Index> order(values.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(), [&](Index i, Index j) { return values[i] > values[j]; });
    Found kept;
    for (Index k = 0; k < std::min(count, order.size()); ++k) {
      kept.values.push_back(values[order[k]]);
      kept.vectors.push_back(std::move(vectors[order[k]]));
    }
    *this = std::move(kept);
  }
};

// A on the complement of what was found, as Spectra multiplies by it.
class Complement {
 public:
  using Scalar = double;
  Complement(const SymmetricMap& a, Index size, const Found& found) : a_(a), x_(size), found_(found) {}

  [[nodiscard]] Eigen::Index rows() const { return static_cast<Eigen::Index>(x_.size()); }
  [[nodiscard]] Eigen::Index cols() const { return rows(); }
  void perform_op(const double* x, double* y) const {
    std::copy_n(x, x_.size(), x_.begin());
    found_.take_off(x_.data());
    a_(x_.data(), y);
    found_.take_off(y);
    ++products;
  }

  mutable Index products = 0;

 private:
  const SymmetricMap& a_;
  mutable std::vector<double> x_;
  const Found& found_;
};

struct Search {
  Index top, basis;
  double tolerance;
  std::uint64_t start;  // which random vector it begins with
};

struct Pairs {
  Eigen::VectorXd values;
  Eigen::MatrixXd vectors;
  bool converged;
};

// Where A is zero on the complement, which Spectra cannot take apart, any vector is an eigenvector.
Pairs zeros_of(const Complement& a, const Search& s) {
  const auto size = static_cast<Index>(a.rows());
  Found any;
  std::vector<double> x(size), y(size);
  for (Index k = 0; k < s.top; ++k) {
    fill_normal<double>(Seed{kSeed}, s.start, (k + 1) * size, x);
    a.perform_op(x.data(), y.data());
    if (std::any_of(y.begin(), y.end(), [](double v) { return v != 0; }))
      throw InternalError("Lanczos: no eigenvalues of a tridiagonal matrix were found");
    any.add(0, x);
  }
  Pairs pairs{Eigen::VectorXd::Zero(static_cast<Eigen::Index>(s.top)),
              Eigen::MatrixXd(a.rows(), static_cast<Eigen::Index>(s.top)), true};
  for (Index k = 0; k < s.top; ++k)
    std::copy(any.vectors[k].begin(), any.vectors[k].end(),
              pairs.vectors.col(static_cast<Eigen::Index>(k)).data());
  return pairs;
}

Pairs search(const Complement& a, const Search& s, Index most_products) try {
  const Index basis = std::min(s.basis, static_cast<Index>(a.rows()));
  Spectra::SymEigsSolver<Complement> solver(const_cast<Complement&>(a), static_cast<Eigen::Index>(s.top),
                                            static_cast<Eigen::Index>(basis));
  std::vector<double> start(static_cast<Index>(a.rows()));
  fill_normal<double>(Seed{kSeed}, s.start, 0, start);
  solver.init(start.data());
  const Index left = most_products - std::min(most_products, a.products + basis);
  solver.compute(Spectra::SortRule::LargestAlge, static_cast<Eigen::Index>(1 + left / (basis - s.top)),
                 s.tolerance, Spectra::SortRule::LargestAlge);
  return {solver.eigenvalues(), solver.eigenvectors(), solver.info() == Spectra::CompInfo::Successful};
} catch (const UserError&) {
  throw;
} catch (const std::runtime_error&) {
  return zeros_of(a, s);
}

}  // namespace

LeadingPairs leading_pairs(const SymmetricMap& a, Index size, const LanczosOptions& options) {
  const Index top = options.top;
  if (lanczos_vectors(top) >= size)
    throw UserError("the " + std::to_string(top) + " leading eigenpairs of " + std::to_string(size) +
                    " rows are no work for Lanczos, which would hold " +
                    std::to_string(lanczos_vectors(top)) + " vectors");
  // Within these two eigenvalues are known, and known to be below another in a glance.
  const double tolerance = std::max(options.tolerance, options.rounding), glance = 1e-3;
  Found found;
  const Complement rest(a, size, found);
  bool complete = false;
  std::uint64_t start = 0;
  for (Index block = top; !complete; block = block == top && start == 2 ? 1 : std::min(2 * block, top)) {
    const Pairs more = search(rest, {block, 2 * block + 20, tolerance, start++}, options.most_products);
    const bool first = found.values.empty();
    const double last = first ? 0 : found.values.back();
    for (Eigen::Index k = 0; k < more.values.size(); ++k)
      found.add(more.values[k], {more.vectors.col(k).data(), more.vectors.col(k).data() + size});
    found.keep_largest(top);
    if (!more.converged) break;
    complete = !first && more.values[0] <= last + 2 * tolerance * std::abs(last);
    if (complete || rest.products >= options.most_products) break;
    const Pairs one = search(rest, {1, 12, glance, start++}, options.most_products);
    complete = one.converged && one.values[0] + 2 * glance * std::abs(one.values[0]) < found.values.back();
    if (!complete && rest.products >= options.most_products) break;
  }
  LeadingPairs pairs{found.values, make_matrix<double>(found.values.size(), size), complete};
  for (Index k = 0; k < found.values.size(); ++k)
    std::copy(found.vectors[k].begin(), found.vectors[k].end(), row(pairs.vectors, k));
  return pairs;
}

}  // namespace ntape
