#include <doctest/doctest.h>

#include <ntape/kernel/routes.hpp>
#include <ntape/tape/print.hpp>
#include <random>
#include <sstream>

#include "support/matrices.hpp"
#include "support/random_graph.hpp"

namespace laws_random_graph_test {

using namespace ntape;
using test::largest;
using test::largest_difference;

namespace {

constexpr Index kExamples = 4;

// One graph by every route, square and cross, in one form, with some parameters left out.
void check_routes(std::uint64_t seed) {
  test::RandomGraph graph(seed, kExamples);
  const auto x = test::normal<double>(kExamples, graph.input_columns(), 1);
  const auto z = test::normal<double>(kExamples, graph.input_columns(), 2);
  Tape<double> tape, other;
  const Var y = graph.record(tape, x), y2 = graph.record(other, z);
  std::ostringstream listing;
  listing << "graph of seed " << seed << ":\n" << tape;
  INFO(listing.str());
  REQUIRE(first_not_finite(tape).empty());

  std::mt19937_64 engine(seed + 1000000);
  RouteOptions<double> options;
  options.gram.form = std::vector{KernelForm::full, KernelForm::diagonal, KernelForm::trace}[seed % 3];
  for (Index p = 0; p < tape.parameters().size(); ++p) {
    options.gram.group_of.push_back(static_cast<Index>(engine() % 2));
    options.selected.push_back(engine() % 4 != 0);
  }
  for (const auto& [tape2, v2] : {std::pair{&tape, y}, std::pair{&other, y2}}) {
    std::vector<std::vector<Matrix<double>>> kernels;
    for (const Route route : {Route::products, Route::factored, Route::dense}) {
      options.route = route;
      kernels.push_back(kernel_by_group(tape, y, *tape2, v2, options));
    }
    double size = 0;
    for (const auto& group : kernels.front()) size = std::max(size, largest(group));
    // Tens of ops, each rounding at 1e-16 of values and slopes that are kept near 1.
    for (Index g = 0; g < kernels.front().size(); ++g) {
      CHECK(largest_difference(kernels[1][g], kernels[0][g]) <= 1e-12 * size);
      CHECK(largest_difference(kernels[2][g], kernels[0][g]) <= 1e-12 * size);
    }
  }
}

}  // namespace

TEST_CASE("factored, dense and matrix-free kernels agree on 200 random graphs") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) check_routes(seed);
}

}  // namespace laws_random_graph_test
