#include <ntape/ops/activation_loops.hpp>
#include <ntape/tensor/elementwise_loops.hpp>

namespace ntape::elementwise {

using namespace ntape::detail;

#define NTAPE_BOTH(F)         \
  NTAPE_ELEMENTWISE(F, float) \
  NTAPE_ELEMENTWISE(F, double)
NTAPE_BOTH(Identity)
NTAPE_BOTH(Relu)
NTAPE_BOTH(LeakyRelu)
NTAPE_BOTH(Abs)
NTAPE_BOTH(Square)
NTAPE_BOTH(PolynomialOf<2>)
NTAPE_BOTH(PolynomialOf<3>)
NTAPE_BOTH(PolynomialOf<4>)
NTAPE_BOTH(PolynomialOf<5>)
NTAPE_BOTH(PolynomialOf<6>)
NTAPE_BOTH(PolynomialOf<7>)
NTAPE_BOTH(PolynomialOf<8>)
NTAPE_BOTH(PolynomialOf<9>)
NTAPE_BOTH(PolynomialOf<10>)
NTAPE_BOTH(PolynomialOf<11>)
NTAPE_BOTH(PolynomialOf<12>)
NTAPE_BOTH(PolynomialOf<13>)
NTAPE_BOTH(PolynomialOf<14>)
NTAPE_BOTH(PolynomialOf<15>)
NTAPE_BOTH(PolynomialOf<16>)
#undef NTAPE_BOTH

}  // namespace ntape::elementwise
