#include <ntape/tensor/elementwise_functions.hpp>
#include <ntape/tensor/elementwise_loops.hpp>

namespace ntape::elementwise {

NTAPE_ELEMENTWISE(Tanh, float)
NTAPE_ELEMENTWISE(Erf, float)
NTAPE_ELEMENTWISE(Sigmoid, float)
NTAPE_ELEMENTWISE(Softplus, float)
NTAPE_ELEMENTWISE(Silu, float)
NTAPE_ELEMENTWISE(Gelu, float)
NTAPE_ELEMENTWISE(Gaussian, float)
NTAPE_ELEMENTWISE(Elu, float)
NTAPE_ELEMENTWISE(Sin, float)
NTAPE_ELEMENTWISE(Cos, float)

}  // namespace ntape::elementwise
