#include <ntape/tensor/elementwise_functions.hpp>
#include <ntape/tensor/elementwise_loops.hpp>

namespace ntape::elementwise {

NTAPE_ELEMENTWISE(Tanh, double)
NTAPE_ELEMENTWISE(Erf, double)
NTAPE_ELEMENTWISE(Sigmoid, double)
NTAPE_ELEMENTWISE(Softplus, double)
NTAPE_ELEMENTWISE(Silu, double)
NTAPE_ELEMENTWISE(Gelu, double)
NTAPE_ELEMENTWISE(Gaussian, double)
NTAPE_ELEMENTWISE(Elu, double)
NTAPE_ELEMENTWISE(Sin, double)
NTAPE_ELEMENTWISE(Cos, double)

}  // namespace ntape::elementwise
