#include <iostream>
#include <ntape/ntape.hpp>

int main() {
  const ntape::Mlp<double> model({.widths = {2, 256, 1}, .activation = "relu", .bias_scale = 0.1});
  const ntape::Matrix<double> x = {{1.0, 0.0}, {0.6, 0.8}, {-0.8, 0.6}};
  const auto theta = model.initialize(ntape::Seed{7});
  const auto start = ntape::empirical_ntk(model, theta, x);
  const double distance = ntape::relative_change(start, ntape::limit_ntk(model.architecture(), x));
  std::cout << "distance to the limit: " << distance << '\n';
  return distance > 0 && distance < 1 ? 0 : 1;
}
