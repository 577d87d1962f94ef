#include <doctest/doctest.h>

#include <cmath>
#include <ntape/base/errors.hpp>
#include <ntape/data/synthetic.hpp>
#include <ntape/kernel/network_kernel.hpp>
#include <ntape/limit/recursion.hpp>
#include <ntape/model/mlp.hpp>
#include <ntape/study/figure_spectrum.hpp>
#include <ntape/tensor/linalg.hpp>

namespace study_figure_spectrum_test {

using namespace ntape;
using namespace ntape::study;

namespace {

const data::Dataset<double>& sphere() {
  static const auto data = data::sphere<double>({.dimension = 4, .examples = 12, .seed = Seed{3}});
  return data;
}

FigureSpectrumPlan tiny() {
  FigureSpectrumPlan plan;
  plan.widths = {8, 64};
  plan.depth = 3;
  plan.seeds = 3;
  plan.first_seed = 5;
  plan.first_rank = 2;
  plan.last_rank = 10;
  return plan;
}

Architecture wide() {
  return {.widths = {4, 64, 64, 1}, .activation = "relu", .bias_scale = 0.1};
}

const Claim& claim_of(const Verdict& verdict, const std::string& statement) {
  for (const Claim& c : verdict.claims)
    if (c.statement.find(statement) != std::string::npos) return c;
  throw std::runtime_error("no claim says: " + statement);
}

const std::vector<double>& array_of(const FigureReport& report, const std::string& name) {
  for (const auto& array : report.arrays)
    if (array.name == name) return array.values;
  throw std::runtime_error("no array is called " + name);
}

// A limit that decays as k^-2 and networks whose eigenvalues are (1 + s / n^power) times as large, s being 1
// for the first seed.
FigureSpectrumResult made_up(const FigureSpectrumPlan& plan, double power) {
  FigureSpectrumResult result;
  result.examples = result.compared = 12;
  result.inputs = 4;
  result.last_rank = 10;
  for (Index k = 1; k <= 12; ++k) result.limit.push_back(std::pow(static_cast<double>(k), -2));
  for (const Index width : plan.widths)
    for (Index s = 0; s < plan.seeds; ++s) {
      FigureSpectrumResult::Network network{.width = width, .seed = s};
      // Mean 1.01 for every width, and not the same for all.
      const double odd = 1 + 0.01 * static_cast<double>((s + width / 8) % plan.seeds);
      const double away = odd * std::pow(static_cast<double>(width), -power);
      for (const double value : result.limit) network.eigenvalues.push_back(value * (1 + away));
      result.networks.push_back(network);
    }
  return result;
}

}  // namespace

TEST_CASE("figure spectrum: eigenvalues are those of the kernels over N, and all work is told") {
  const FigureSpectrumPlan plan = tiny();
  std::uint64_t told = 0;
  const auto result = run_figure_spectrum(plan, sphere(), [&](std::uint64_t done) { told += done; });
  CHECK(told == total_work(plan, sphere()));
  REQUIRE(result.networks.size() == 6);
  const Mlp<double> model(wide());
  const auto& network = result.networks[4];
  CHECK(network.width == 64);
  CHECK(network.seed == 6);
  const auto own = linalg::symmetric_eigenvalues(
      empirical_ntk(model, model.initialize(Seed{6}), sphere().x, KernelForm::trace).values);
  const auto limit = linalg::symmetric_eigenvalues(limit_ntk(wide(), sphere().x).values);
  for (Index k = 0; k < 12; ++k) {
    CHECK(network.eigenvalues[k] == own[11 - k] / 12);
    CHECK(result.limit[k] == limit[11 - k] / 12);
  }
  CHECK(result.compared == 12);
  CHECK(result.limit_bound < 1e-13);

  const FigureReport report = report_figure_spectrum(plan, sphere(), result);
  CHECK(report.sheet.panels.size() == 3);
  double largest = 0;
  for (Index k = 0; k < 12; ++k)
    largest = std::max(largest, std::abs(network.eigenvalues[k] / result.limit[k] - 1));
  CHECK(array_of(report, "largest_difference")[4] == largest);
  CHECK(claim_of(report.verdict, "nearer to the limit's").measured.value < 1);
}

TEST_CASE("figure spectrum: claims hold where they should, and can fail") {
  const FigureSpectrumPlan plan = tiny();
  const FigureReport good = report_figure_spectrum(plan, sphere(), made_up(plan, 0.5));
  CHECK(claim_of(good.verdict, "as n^-1/2").outcome() == Outcome::holds);
  CHECK(claim_of(good.verdict, "as n^-1/2").measured.value == doctest::Approx(-0.5).epsilon(1e-2));
  CHECK(claim_of(good.verdict, "wider network").measured.value == doctest::Approx(std::sqrt(8.0 / 64)));
  CHECK(claim_of(good.verdict, "decay as those of the limit").outcome() == Outcome::holds);
  // A pure power, but for rounding in the logarithms of ten numbers.
  CHECK(std::abs(array_of(good, "limit_exponent")[0] + 2) < 1e-13);
  const Verdict bad = report_figure_spectrum(plan, sphere(), made_up(plan, -0.1)).verdict;
  CHECK(claim_of(bad, "as n^-1/2").outcome() == Outcome::fails);
  CHECK(claim_of(bad, "wider network").outcome() == Outcome::fails);
}

TEST_CASE("figure spectrum: eigenvalues that are not known are not compared") {
  // An example twice: one eigenvalue is zero.
  data::Dataset<double> twice = sphere();
  for (Index i = 0; i < 4; ++i) twice.x(11, i) = twice.x(0, i);
  FigureSpectrumPlan plan = tiny();
  const auto result = run_figure_spectrum(plan, twice);
  CHECK(result.compared == 11);
  const FigureReport report = report_figure_spectrum(plan, twice, result);
  for (const double d : array_of(report, "largest_difference")) CHECK(d < 100);
  plan.last_rank = 12;
  CHECK_THROWS_AS((void)run_figure_spectrum(plan, twice), UserError);
}

TEST_CASE("figure spectrum: plans that cannot be followed are refused") {
  const auto refused = [](auto&& change) {
    FigureSpectrumPlan plan = tiny();
    change(plan);
    CHECK_THROWS_AS((void)run_figure_spectrum(plan, sphere()), UserError);
  };
  refused([](FigureSpectrumPlan& p) { p.widths.clear(); });
  refused([](FigureSpectrumPlan& p) { p.seeds = 0; });
  refused([](FigureSpectrumPlan& p) { p.depth = 1; });
  refused([](FigureSpectrumPlan& p) { p.first_rank = 0; });
  refused([](FigureSpectrumPlan& p) { p.last_rank = 2; });
  refused([](FigureSpectrumPlan& p) { p.last_rank = 13; });
  // A quarter of 12 examples is 3.
  refused([](FigureSpectrumPlan& p) { p.first_rank = 3, p.last_rank.reset(); });
  refused([](FigureSpectrumPlan& p) { p.widths = {3000000}; });
  refused([](FigureSpectrumPlan& p) { p.activation = "none"; });
  data::Dataset<double> huge = sphere();
  for (double& v : huge.x) v *= 1e200;
  CHECK_THROWS_AS((void)run_figure_spectrum(tiny(), huge), UserError);
}

}  // namespace study_figure_spectrum_test
