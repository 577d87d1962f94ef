#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/kernel/network_kernel.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/study/figure_3.hpp>

namespace study_figure_3_test {

using namespace ntape;
using namespace ntape::study;

namespace {

const data::Dataset<double>& sphere() {
  static const auto data = data::sphere<double>({.dimension = 4, .examples = 12, .seed = Seed{3}});
  return data;
}

Figure3Plan tiny() {
  return {.widths = {8, 16},
          .depth = 3,
          .seeds = 2,
          .first_seed = 1,
          .time = 4,
          .check_width = 8,
          .precision = Precision::f64};
}

const Claim& claim_of(const Verdict& verdict, const std::string& statement) {
  for (const Claim& c : verdict.claims)
    if (c.statement.find(statement) != std::string::npos) return c;
  throw std::runtime_error("no claim says: " + statement);
}

}  // namespace

TEST_CASE("figure 3: components are eigenfunctions of the limit, of norm one") {
  const Figure3Result result = prepare_figure_3(tiny(), sphere());
  const Index n = 12;
  const Kernel<double> limit =
      limit_ntk({.widths = {4, 8, 8, 1}, .activation = "relu", .bias_scale = 0.1}, sphere().x);
  for (Index k = 0; k < 3; ++k) {
    double norm = 0, overlap = 0, largest = 0;
    for (Index i = 0; i < n; ++i) {
      double image = 0;
      for (Index j = 0; j < n; ++j) image += limit.values(i, j) * result.components(k, j) / 12;
      // Sums of 12 products, rounded, and an eigenvector that is right to a few units in the last place.
      CHECK(std::abs(image - result.eigenvalues[k] * result.components(k, i)) < 1e-13);
      norm += result.components(k, i) * result.components(k, i) / 12;
      overlap += result.components(k, i) * result.components((k + 1) % 3, i) / 12;
      if (std::abs(result.components(k, i)) > std::abs(largest)) largest = result.components(k, i);
    }
    CHECK(std::abs(norm - 1) < 1e-13);
    CHECK(std::abs(overlap) < 1e-13);
    CHECK(largest > 0);
  }
  CHECK(result.eigenvalues[0] > result.eigenvalues[1]);
  CHECK(result.limit_bound < 1e-13);
}

TEST_CASE("figure 3: rates are a share of the critical one, and fill the time") {
  const Figure3Result result = prepare_figure_3(tiny(), sphere());
  for (const auto& n : result.networks) {
    CHECK(n.rate <= stable_share(n.width) * 2 / n.start_lambda);
    CHECK(n.rate * static_cast<double>(n.steps) == doctest::Approx(4).epsilon(1e-15));
  }
}

TEST_CASE("figure 3: a path starts half a component away and moves by its own kernel") {
  Figure3Plan plan = tiny();
  plan.time = 0.002;
  plan.rate = 0.001;
  const auto prepared = prepare_figure_3(plan, sphere());
  std::uint64_t told = 0;
  const auto result = run_figure_3(plan, sphere(), prepared, [&](std::uint64_t done) { told += done; });
  CHECK(told == total_work(plan, prepared));
  const Mlp<double> model({.widths = {4, 8, 8, 1}, .activation = "relu", .bias_scale = 0.1});
  const auto& network = result.networks[0];
  REQUIRE(network.width == 8);
  REQUIRE(network.path.time.size() == 3);
  // Of f_0 + f* - f_0, rounded at the size of f_0.
  CHECK(std::abs(network.path.along[0] - kComponent) < 1e-14);
  CHECK(network.path.across[0] < 1e-14);
  const Kernel<double> kernel =
      empirical_ntk(model, model.initialize(Seed{1}), sphere().x, KernelForm::trace);
  // d/dt (f - f*) = -Theta (f - f*) / N, from -0.5 f^(2).
  std::vector<double> motion(12);
  double along = 0, across = 0;
  for (Index i = 0; i < 12; ++i) {
    for (Index j = 0; j < 12; ++j) motion[i] += kernel.values(i, j) * result.components(1, j) / 12;
    along += motion[i] * result.components(1, i) / 12;
  }
  for (Index i = 0; i < 12; ++i) across += std::pow(motion[i] - along * result.components(1, i), 2) / 12;
  // Of second order in the rate: 1e-6 times the curvature, which is of the size of the kernel squared.
  CHECK(std::abs(network.path.along[1] - kComponent * (1 - 0.001 * along)) < 3e-6);
  CHECK(std::abs(network.path.across[1] - kComponent * 0.001 * std::sqrt(across)) < 3e-6);
  CHECK(kComponent * 0.001 * along > 1e-5);
}

TEST_CASE("figure 3: half the rate where it is asked for, and the change is measured") {
  const Figure3Plan plan = tiny();
  const auto result = run_figure_3(plan, sphere(), prepare_figure_3(plan, sphere()));
  for (const auto& n : result.networks) {
    CHECK(n.diverged.empty());
    CHECK(n.end_lambda > 0);
    CHECK(n.path.time.size() == n.steps + 1);
    CHECK(n.halved.time.size() == (n.width == 8 ? 2 * n.steps + 1 : 0));
  }
  const FigureReport report = report_figure_3(plan, sphere(), result);
  CHECK(report.sheet.panels.size() == 3);
  double most = 0, highest = 0;
  for (const auto& n : result.networks) {
    for (Index k = 0; k <= n.steps; ++k) {
      highest = std::max(highest, n.path.along[k]);
      if (n.width == 8) most = std::max(most, std::abs(n.path.along[k] - n.halved.along[2 * k]));
    }
  }
  CHECK(most > 0);
  // Times of the two paths agree but for rounding.
  CHECK(claim_of(report.verdict, "same ||g_t||").measured.value ==
        doctest::Approx(most / highest).epsilon(1e-9));
  CHECK(claim_of(report.verdict, "stable at the start").measured.value > 0);
}

TEST_CASE("figure 3: a rate that is too large is seen, and its networks are left out") {
  Figure3Plan plan = tiny();
  const auto prepared = prepare_figure_3(plan, sphere());
  plan.rate = 100 / prepared.networks[0].start_lambda;
  plan.time = 60 * *plan.rate;
  std::uint64_t told = 0;
  const auto again = prepare_figure_3(plan, sphere());
  const auto result = run_figure_3(plan, sphere(), again, [&](std::uint64_t done) { told += done; });
  CHECK(told == total_work(plan, again));
  const FigureReport report = report_figure_3(plan, sphere(), result);
  bool named = false;
  for (const std::string& note : report.verdict.notes) named |= note.find("diverged") != std::string::npos;
  CHECK(named);
  CHECK(claim_of(report.verdict, "stays straighter").outcome() == Outcome::not_measured);
}

TEST_CASE("figure 3: a time that no number of steps reaches is refused") {
  Figure3Plan plan = tiny();
  plan.time = 1e300;
  plan.rate = 1e-300;
  CHECK_THROWS_AS((void)prepare_figure_3(plan, sphere()), UserError);
}

TEST_CASE("figure 3: the paper's claims are judged on its data and times, and can fail") {
  Figure3Plan plan{.widths = {100, 1000}, .seeds = 3};
  data::Dataset<double> digits;
  digits.name = "mnist";
  // Exponentials at a multiple of the limit's rate, away from the line by `away` at most.
  const auto made_up = [&](double faster, double away) {
    Figure3Result result;
    result.examples = 512;
    result.inputs = 784;
    result.eigenvalues = {0.05, 0.001, 0.0009};
    result.components = zeros<double>(3, 512);
    for (Index w = 0; w < 2; ++w)
      for (Index s = 0; s < 3; ++s) {
        Figure3Result::Network n;
        n.width = plan.widths[w];
        n.seed = s;
        n.rate = 1;
        n.steps = 4000;
        n.start_lambda = n.end_lambda = 0.1;
        // Mean 1.01 for both widths, and not the same for both.
        const double spread = 1 + 0.01 * static_cast<double>(w == 0 ? s : 2 - s), share = w == 0 ? 1 : 0.1;
        for (Index k = 0; k <= n.steps; ++k) {
          const double t = static_cast<double>(k);
          n.path.time.push_back(t);
          n.path.along.push_back(kComponent * std::exp(-(1 + (faster - 1) * share * spread) * 0.001 * t));
          n.path.across.push_back(away * share * spread * t / 4000);
        }
        result.networks.push_back(std::move(n));
      }
    return report_figure_3(plan, digits, result).verdict;
  };
  const Verdict good = made_up(1.5, 0.12);
  CHECK(claim_of(good, "leaves the straight line").outcome() == Outcome::holds);
  CHECK(claim_of(good, "goes faster").outcome() == Outcome::holds);
  CHECK(claim_of(good, "stays straighter").outcome() == Outcome::holds);
  CHECK(claim_of(good, "stays straighter").measured.value == doctest::Approx(0.1));
  CHECK(claim_of(good, "nearer to the limit").outcome() == Outcome::holds);
  const Verdict bad = made_up(0.5, 0.05);
  CHECK(claim_of(bad, "leaves the straight line").outcome() == Outcome::fails);
  CHECK(claim_of(bad, "goes faster").outcome() == Outcome::fails);
  const auto says = [](const Verdict& verdict, const std::string& part) {
    for (const Claim& c : verdict.claims)
      if (c.statement.find(part) != std::string::npos) return true;
    return false;
  };
  // Its digits are told, and claimed of nothing.
  CHECK_FALSE(says(good, "eigenvalue"));
  digits.name = "fashion-mnist";
  CHECK_FALSE(says(made_up(1.5, 0.12), "leaves the straight line"));
}

TEST_CASE("figure 3: data that have no three components are refused") {
  const auto few = data::sphere<double>({.dimension = 4, .examples = 3});
  CHECK_THROWS_AS((void)prepare_figure_3(tiny(), few), UserError);
}

}  // namespace study_figure_3_test
