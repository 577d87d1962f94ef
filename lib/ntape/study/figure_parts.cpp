#include <ntape/study/figure_parts.hpp>

namespace ntape::study::detail {

std::string n_is(Index width) {
  return "n = " + std::to_string(width);
}

std::string listed(const std::vector<Index>& all) {
  std::string text;
  for (const Index one : all) text += (text.empty() ? "" : ",") + std::to_string(one);
  return text;
}

std::string written(const std::string& data) {
  return data == "mnist" ? "MNIST" : data == "fashion-mnist" ? "Fashion-MNIST" : data;
}

std::string name_of(Precision precision) {
  return precision == Precision::f32 ? "f32" : "f64";
}

void add_band(report::Figure& figure, const std::string& label, std::size_t colour,
              const std::vector<double>& x, const Curves& curves) {
  using report::Series;
  if (curves.empty()) return;
  Series mean;
  mean.label = label;
  mean.colour = colour;
  mean.x = x;
  for (Index m = 0; m < x.size(); ++m) {
    double sum = 0, low = kNoEdge, high = -kNoEdge;
    for (const auto* curve : curves) {
      sum += (*curve)[m];
      low = std::min(low, (*curve)[m]);
      high = std::max(high, (*curve)[m]);
    }
    mean.y.push_back(sum / static_cast<double>(curves.size()));
    mean.low.push_back(low);
    mean.high.push_back(high);
  }
  for (const auto* curve : curves) {
    Series trace;
    trace.style = Series::Style::trace;
    trace.colour = colour;
    trace.x = x;
    trace.y = *curve;
    figure.series.push_back(std::move(trace));
  }
  figure.series.push_back(std::move(mean));
}

}  // namespace ntape::study::detail
