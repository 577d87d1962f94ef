#include <doctest/doctest.h>

#include <ntape/base/errors.hpp>
#include <ntape/tape/op.hpp>

#include "guide_code.inc"
#include "support/check_op.hpp"

namespace ops_guide_test {

using ntape::Index;

TEST_CASE("the op of the guide in lib/README.md keeps every law") {
  for (const Index n : {Index{0}, Index{1}, Index{5}})
    for (const Index i : {Index{1}, Index{3}, Index{17}})
      ntape::test::check_op({.label = "negative_distance",
                             .ops = ntape::test::every_real([]<class Real>() -> ntape::OpPtr<Real> {
                               return std::make_shared<NegativeDistance<Real>>();
                             }),
                             .arguments = {{{n, i}, true}, {{4, i}, false}},
                             .refused = {{{n, i}, {4, i + 1}}, {{n, i}}},
                             .terms = std::max(n, Index{17})});
}

}  // namespace ops_guide_test
