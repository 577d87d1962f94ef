#include <algorithm>
#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/kernel/lanczos_basis.hpp>
#include <ntape/tensor/linalg.hpp>
#include <numeric>
#include <utility>

namespace ntape {
namespace lanczos {
namespace {

class Search {
 public:
  Search(const SymmetricMap& a, Index size, const LanczosOptions& o)
      : o_(o), basis_(a, size, lanczos_vectors(o.top)) {}

  LeadingPairs run() {
    Index block = 1;
    begin(block);
    const auto wanted = [&](const Ritz&) { return o_.top; };
    bool complete = iterate(wanted, [&](const Ritz& r) { return settled_up_to(r, o_.top); });
    values_.assign(ritz_.values.begin(), ritz_.values.begin() + static_cast<std::ptrdiff_t>(o_.top));
    basis_.keep(ritz_, ritz_.values.size());
    // One vector holds the one eigenpair that is asked for. More than these at once leave no room in the
    // basis.
    const Index most = 3 + o_.top / 4;
    for (Found found = Found::more; complete && o_.top > 1 && found == Found::more;) {
      found = others();
      if (found == Found::more) found = in_complement(block = std::min(2 * block, most));
      complete = found != Found::unclear;
    }
    return sorted(complete);
  }

 private:
  enum class Found { none, more, unclear };

  // Residuals are pursued to a quarter: what is neglected between passes adds to them.
  [[nodiscard]] double goal(double value) const {
    return std::max(o_.tolerance * std::abs(value), o_.rounding * largest_) / 4;
  }
  [[nodiscard]] bool settled(const Ritz& r, Index k) const { return r.residuals[k] <= goal(r.values[k]); }

  [[nodiscard]] bool settled_up_to(const Ritz& r, Index end) const {
    for (Index k = 0; k < end; ++k)
      if (!settled(r, k)) return false;
    return true;
  }

  // Above this an eigenvalue is larger than the last one found, and not by rounding.
  [[nodiscard]] double bar() const {
    const double last = *std::min_element(values_.begin(), values_.end());
    return last + 4 * goal(last);
  }

  void begin(Index block) {
    for (Index k = 0; k < block; ++k) basis_.add_random();
  }

  // Until the Ritz pairs, as many as are wanted of them or more, satisfy; false where products run out.
  template <class Wanted, class Satisfied>
  bool iterate(const Wanted& wanted, const Satisfied& satisfied) {
    const Index pause = std::max<Index>(1, o_.top / 8);
    for (Index steps = 1;; ++steps) {
      basis_.step();
      if (steps % pause != 0 && !basis_.full()) continue;
      ritz_ = basis_.ritz();
      const Index least = wanted(ritz_);
      if (basis_.known() < least) continue;
      largest_ = std::max(largest_, std::abs(ritz_.values.front()));
      if (satisfied(ritz_)) return true;
      if (products() >= o_.most_products) return false;
      // Half of what is not wanted is kept, too: a restart from fewer vectors converges slowly.
      if (basis_.full()) basis_.keep(ritz_, least + (basis_.known() - least) / 2);
    }
  }

  // What is larger than the bar in the complement of the pairs found takes the place of the smallest of them.
  Found in_complement(Index block) {
    basis_.lock(o_.top);
    begin(block);
    const double bar = this->bar();
    const auto above = [&](const Ritz& r) {
      Index count = 0;
      while (count < std::min<Index>(o_.top, r.values.size()) && r.values[count] > bar) ++count;
      return count;
    };
    const bool done = iterate(above, [&](const Ritz& r) {
      const Index count = above(r);
      if (!settled_up_to(r, count)) return false;
      if (count == o_.top || count == r.values.size() || settled(r, count)) return true;
      return count > 0 && r.values[count] + r.residuals[count] <= bar;
    });
    const Index count = above(ritz_);
    basis_.keep(ritz_, count);
    for (Index k = 0; k < count; ++k) {
      const auto smallest = std::min_element(values_.begin(), values_.end());
      if (ritz_.values[k] <= *smallest) break;
      *smallest = ritz_.values[k];
      basis_.replace(static_cast<Index>(smallest - values_.begin()), o_.top + k);
    }
    basis_.lock(o_.top);
    ritz_ = {};
    return !done ? Found::unclear : count > 0 ? Found::more : Found::none;
  }

  // Whether an eigenvalue above the bar is left in the complement of the pairs found: plain Lanczos from a
  // random vector. Further Ritz pairs go out of its way where they are known well enough. Let the complement
  // be R, those pairs, and S, the rest: its largest eigenvalue is at most that of
  //   [ theta  e  ]   theta the largest value of R, e the root of the sum of squares of its residuals,
  //   [ e      nu ]   nu the largest eigenvalue of S,
  // which is below the bar where (bar - theta) (bar - nu) > e^2. So nu is what is looked for.
  Found others() {
    const double bar = this->bar();
    Index out = o_.top;
    double square = 0, limit = bar;
    if (out < ritz_.values.size()) {
      const double gap = bar - ritz_.values[out];
      for (; out < ritz_.values.size(); ++out) {
        const double more = square + ritz_.residuals[out] * ritz_.residuals[out];
        if (!(gap > 0 && more <= 0.1 * gap * gap)) break;
        square = more;
      }
      if (out > o_.top) limit -= square / gap;
    }
    const Found found = beyond(out, limit, bar);
    return found == Found::unclear && out > o_.top ? beyond(o_.top, bar, bar) : found;
  }

  Found beyond(Index out, double limit, double bar) {
    const double start = std::log(1.648 * std::sqrt(static_cast<double>(basis_.size())) / 1e-6);
    std::vector<double> q(basis_.size()), before(basis_.size()), w(basis_.size()), diagonal, beside;
    basis_.random(q, out);
    for (Index j = 1, check = 1; products() < o_.most_products; ++j) {
      basis_.multiply(q.data(), w);
      basis_.reduce(w, out);
      double along = 0, square = 0;
      for (Index i = 0; i < q.size(); ++i) along += q[i] * w[i];
      for (Index i = 0; i < q.size(); ++i) {
        w[i] -= along * q[i] + (j > 1 ? beside.back() * before[i] : 0);
        square += w[i] * w[i];
      }
      diagonal.push_back(along);
      beside.push_back(std::sqrt(square));
      const bool ends = !(beside.back() > 0);
      if (j == check || ends) {
        check += 1 + j / 8;
        const auto [value, residual] = leading_ritz(diagonal, beside);
        if (value > limit) return value > bar ? Found::more : Found::unclear;
        // Had A an eigenvalue of `limit` or more, one in 10^6 random vectors would lead no further than this.
        const double short_of = 1 - std::max(value, 0.0) / limit;
        if (short_of > 0 && std::sqrt(short_of) * static_cast<double>(2 * j - 1) > start) return Found::none;
        if (residual <= goal(value)) return Found::none;
      }
      std::swap(before, q);
      for (Index i = 0; i < q.size(); ++i) q[i] = w[i] / beside.back();
    }
    return Found::unclear;
  }

  // Value and residual. Lanczos that forgets gives copies of what has converged; of two equal Ritz pairs one
  // combination has nothing of the last vector, which the residual is a multiple of.
  [[nodiscard]] std::pair<double, double> leading_ritz(const std::vector<double>& diagonal,
                                                       const std::vector<double>& beside) const {
    const Index n = diagonal.size();
    Matrix<double> t = zeros<double>(n, n);
    for (Index k = 0; k < n; ++k) {
      t(k, k) = diagonal[k];
      if (k > 0) t(k, k - 1) = t(k - 1, k) = beside[k - 1];
    }
    const auto all = linalg::symmetric_eigen(t);
    const double value = all.values.back();
    if (n > 1 && value - all.values[n - 2] <= goal(value)) return {value, value - all.values[n - 2]};
    return {value, beside.back() * std::abs(all.vectors(n - 1, n - 1))};
  }

  LeadingPairs sorted(bool complete) const {
    std::vector<Index> order(o_.top);
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(), [&](Index k, Index l) { return values_[k] > values_[l]; });
    LeadingPairs pairs{{}, make_matrix<double>(o_.top, basis_.size()), complete};
    for (Index k = 0; k < o_.top; ++k) {
      pairs.values.push_back(values_[order[k]]);
      std::copy_n(basis_.vector(order[k]), basis_.size(), row(pairs.vectors, k));
    }
    return pairs;
  }

  [[nodiscard]] Index products() const { return basis_.products(); }

  const LanczosOptions& o_;
  Basis basis_;
  Ritz ritz_;                   // what the last iteration ended with
  std::vector<double> values_;  // of the pairs found: the first rows of the basis
  double largest_ = 0;
};

}  // namespace
}  // namespace lanczos

LeadingPairs leading_pairs(const SymmetricMap& a, Index size, const LanczosOptions& options) {
  if (options.top == 0 || lanczos_vectors(options.top) >= size)
    throw UserError("Lanczos: " + std::to_string(options.top) + " eigenpairs of a matrix of " +
                    std::to_string(size) + " rows take a basis as large as it is");
  return lanczos::Search(a, size, options).run();
}

}  // namespace ntape
