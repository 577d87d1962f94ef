#include <algorithm>
#include <cmath>
#include <limits>
#include <ntape/drift/change.hpp>
#include <ntape/study/drift_rows.hpp>
#include <ntape/tensor/linalg.hpp>

namespace ntape::study {
namespace {

bool all_finite(const Matrix<double>& m) {
  return std::all_of(m.begin(), m.end(), [](double v) { return std::isfinite(v); });
}

bool all_finite(const Snapshot& s) {
  return std::isfinite(s.loss) && std::isfinite(s.parameter_change) && all_finite(s.kernel.values) &&
         all_finite(s.outputs) &&
         std::all_of(s.layers.begin(), s.layers.end(), [](const auto& k) { return all_finite(k.values); });
}

// Empty cells are fine: they are not overflow.
bool all_finite(const DriftRow& r) {
  return std::isfinite(r.test_loss.value_or(0)) && std::isfinite(r.step_residual.value_or(0)) &&
         std::isfinite(r.step_residual_max.value_or(0)) && std::isfinite(r.step_size.value_or(0)) &&
         std::isfinite(r.kernel_change) && std::isfinite(r.limit_distance.value_or(0)) &&
         std::isfinite(r.kernel_distance.value_or(0)) && std::isfinite(r.trace_ratio) &&
         std::isfinite(r.lambda_max) && std::isfinite(r.lambda_min) &&
         std::isfinite(r.alignment.value_or(0)) &&
         std::all_of(r.layers.begin(), r.layers.end(), [](const DriftRow::Layer& l) {
           return std::isfinite(l.trace_share.value_or(0)) && std::isfinite(l.change.value_or(0)) &&
                  std::isfinite(l.weight_change.value_or(0));
         });
}

// As the drift measures compute it: zero here is zero there.
bool is_zero(const Matrix<double>& m) {
  return std::all_of(m.begin(), m.end(), [](double v) { return v * v == 0; });
}

double trace(const Matrix<double>& m) {
  double sum = 0;
  for (Index i = 0; i < m.shape(0); ++i) sum += m(i, i);
  return sum;
}

double mean_square_difference(const Matrix<double>& f, const Matrix<double>& g) {
  double sum = 0;
  for (Index k = 0; k < f.size(); ++k) sum += (f.data()[k] - g.data()[k]) * (f.data()[k] - g.data()[k]);
  return sum / static_cast<double>(f.shape(0));
}

// rms over examples of |f - g|: the norm of the paper's <.,.>_pin.
double rms_difference(const Matrix<double>& f, const Matrix<double>& g) {
  return std::sqrt(mean_square_difference(f, g));
}

// A prediction may overflow where the network does not.
std::optional<double> if_finite(double value) {
  return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
}

// A share that is and stays exactly zero (biases with bias_scale = 0, say) has not changed.
std::optional<double> change_of_share(const Matrix<double>& now, const Matrix<double>& start) {
  if (!is_zero(start)) return relative_change(now, start);
  return is_zero(now) ? std::optional<double>(0) : std::nullopt;
}

}  // namespace

double rms_over_examples(const Matrix<double>& f) {
  double sum = 0;
  for (const double v : f) sum += v * v;
  return std::sqrt(sum / static_cast<double>(f.shape(0)));
}

std::string stop_message(const DriftRun& run, const std::string& why) {
  return "width " + std::to_string(run.width) + ", seed " + std::to_string(run.seed) + ": " + why;
}

std::vector<double> spectrum_over_n(const Kernel<double>& kernel) {
  std::vector<double> values = linalg::symmetric_eigenvalues(kernel.values);
  for (double& v : values) v /= static_cast<double>(kernel.rows());
  return values;
}

LimitTraining::LimitTraining(const DriftResult& shared)
    : kernel(shared.limit->values),
      there(shared.limit_there ? &shared.limit_there->values : nullptr),
      factor(std::make_shared<const KernelFactor>(kernel)) {}

bool RowMaker::stop(const std::string& why) {
  run_.stopped = true;
  run_.message = stop_message(run_, why);
  return false;
}

DriftRow RowMaker::row_of(const Snapshot& now, double lambda_max, double lambda_min) const {
  const Matrix<double>&theta = now.kernel.values, &theta0 = start_.kernel.values;
  const bool nothing = is_zero(theta);
  DriftRow row;
  row.step = now.step;
  row.time = now.time;
  row.loss = now.loss;
  row.kernel_change = relative_change(theta, theta0);
  if (shared_.limit) row.limit_distance = relative_change(theta, shared_.limit->values);
  if (!nothing) row.kernel_distance = kernel_distance(theta, theta0);
  row.trace_ratio = trace_ratio(theta, theta0);
  row.lambda_max = lambda_max;
  row.lambda_min = lambda_min;
  if (!nothing && !is_zero(data_.y)) row.alignment = target_alignment(theta, data_.y);
  row.parameter_change = now.parameter_change;
  for (Index l = 0; l < now.layers.size(); ++l) {
    DriftRow::Layer layer;
    if (!nothing) layer.trace_share = trace(now.layers[l].values) / trace(theta);
    layer.change = change_of_share(now.layers[l].values, start_.layers[l].values);
    layer.weight_change = now.weight_changes[l];
    row.layers.push_back(layer);
  }
  return row;
}

DriftOutputs RowMaker::outputs_at(const Snapshot& now, const Matrix<double>& there) const {
  const Moment moment = Moment::descent(now.step, shared_.rate, shared_.momentum);
  DriftOutputs f;
  f.train = {now.outputs, lazy_->at(moment), infinite_->at(moment)};
  if (there.size() == 0) return f;
  f.test = {there, lazy_there_->at(moment), {}};
  if (infinite_there_) f.test.limit = infinite_there_->at(moment);
  return f;
}

void RowMaker::add_gaps(const DriftOutputs& f, DriftRow& row) const {
  row.output_gap = if_finite(rms_difference(f.train.network, f.train.frozen));
  row.limit_gap = if_finite(rms_difference(f.train.network, f.train.limit));
  if (f.test.network.size() == 0) return;
  row.test_output_gap = if_finite(rms_difference(f.test.network, f.test.frozen));
  if (infinite_there_) row.test_limit_gap = if_finite(rms_difference(f.test.network, f.test.limit));
  if (plan_.test.y.size() > 0) row.test_loss = mean_square_difference(f.test.network, plan_.test.y) / 2;
}

bool RowMaker::begin(const Snapshot& start, const Probe& network, const Matrix<double>& there) {
  const Kernel<double> full = network.frozen();
  if (!all_finite(full.values)) return false;
  lazy_.emplace(full.values, start.outputs, data_.y);
  infinite_.emplace(limit_.factor, limit_.kernel, start.outputs, data_.y);
  if (there.size() > 0) {
    const Kernel<double> across = network.frozen_there();
    if (!all_finite(across.values)) return false;
    lazy_there_.emplace(lazy_->elsewhere(across.values, there));
    if (limit_.there != nullptr) infinite_there_.emplace(infinite_->elsewhere(*limit_.there, there));
  }
  start_ = start;
  return true;
}

bool RowMaker::add(Snapshot&& now, const Probe& network) {
  const auto overflow = [&] {
    run_.diverged = now.step > 0;
    return stop("its outputs or kernel overflowed at step " + std::to_string(now.step) +
                "; smaller inputs, targets, scales or --rate are needed" +
                (plan_.precision == Precision::f32 ? ", or --precision f64" : ""));
  };
  Matrix<double> there;
  if (plan_.test.x.shape(0) > 0) there = network.outputs_there();
  if (!all_finite(now) || !all_finite(there)) return overflow();
  if (now.step == 0) {
    if (is_zero(now.kernel.values)) return stop("its kernel is zero at step 0, so it cannot be trained");
    if (!begin(now, network, there)) return overflow();
  }
  std::vector<double> spectrum = spectrum_over_n(now.kernel);
  // A mean of kernels is flatter than they are together: with several outputs the edge is that of the full
  // one. One that is zero on average is zero, and nothing for Lanczos.
  const bool shared = !network.lambda_max || is_zero(now.kernel.values);
  DriftRow row = row_of(now, shared ? spectrum.back() : network.lambda_max(), spectrum.front());
  DriftOutputs outputs = outputs_at(now, there);
  add_gaps(outputs, row);
  if (network.path != nullptr) {
    if (now.step > 0) {
      row.step_size = rms_over_examples(network.path->step());
      row.step_residual = rms_over_examples(network.path->residual());
      row.step_residual_max = network.largest_residual;
      const double eps = plan_.precision == Precision::f32 ? std::numeric_limits<float>::epsilon()
                                                           : std::numeric_limits<double>::epsilon();
      row.residual_is_rounding = *row.step_residual <= kRounding * eps * rms_over_examples(now.outputs);
    }
    row.path_gap = if_finite(rms_difference(now.outputs, network.path->predicted()));
  }
  if (!all_finite(row)) return overflow();
  run_.rows.push_back(std::move(row));
  if (plan_.keep_outputs) run_.outputs.push_back(std::move(outputs));
  if (keep_kernels_) keep(std::move(now), std::move(spectrum));
  return true;
}

void RowMaker::keep(Snapshot&& now, std::vector<double> spectrum) {
  if (now.step == 0) {
    run_.start = now.kernel;
    run_.start_outputs = now.outputs;
    run_.start_spectrum = spectrum;
  }
  if (now.step == shared_.steps) {
    run_.end = std::move(now.kernel);
    run_.end_outputs = std::move(now.outputs);
    run_.end_spectrum = std::move(spectrum);
  }
}

}  // namespace ntape::study
