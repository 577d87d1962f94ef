#include <ntape/tensor/matrix.hpp>

namespace ntape {

std::string to_string(Shape shape) {
  return std::to_string(shape.rows) + " x " + std::to_string(shape.cols);
}

}  // namespace ntape
