// What ntape's main pieces of work cost against the least that they can cost on this machine, in one run: the
// table of benchmarks/README.md. `ntape-targets --short` only shows that everything runs and agrees.

#include <cblas.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <ntape/base/philox.hpp>
#include <ntape/jacobian/dense.hpp>
#include <ntape/kernel/empirical.hpp>
#include <ntape/train/descent.hpp>
#include <string>
#include <vector>

namespace {

using namespace ntape;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double number(Index n) {
  return static_cast<double>(n);
}

template <class Real>
Matrix<Real> normal_matrix(Index rows, Index cols, std::uint64_t stream) {
  auto m = make_matrix<Real>(rows, cols);
  fill_normal<Real>(Seed{1}, stream, 0, {m.data(), m.size()});
  return m;
}

// The least flops of N examples through layers n_0 .. n_L: products at 2 m n k, a symmetric Gram as one
// triangle, nothing elementwise, no gradient towards the inputs.
struct Flops {
  double forward = 0, backward = 0, weights = 0, grams = 0;

  Flops(const std::vector<Index>& widths, Index examples, bool full) {
    const double n = number(examples), c = number(widths.back());
    const double triangle = n * (n + 1), pairs = full ? n * c * (n * c + 1) : c * triangle;
    for (Index l = 0; l + 1 < widths.size(); ++l) {
      const double from = number(widths[l]), to = number(widths[l + 1]);
      const bool last = l + 2 == widths.size();
      forward += 2 * n * from * to;
      weights += 2 * n * from * to;
      if (l > 0) backward += last ? c * n * from : 2 * c * n * from * to;  // unit seeds: scaled rows, no sums
      grams += triangle * from + (last ? 0 : pairs * to);
    }
  }
};

// The rate of plain BLAS on all threads, past ntape's tiles: one product of 2048^3.
template <class Real>
double gemm_rate() {
  constexpr int n = 2048;
  static const auto a = normal_matrix<Real>(n, n, 1), b = normal_matrix<Real>(n, n, 2);
  static auto c = make_matrix<Real>(n, n);
  const double start = now();
  if constexpr (std::is_same_v<Real, float>)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(),
                n);
  else
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(),
                n);
  return 2.0 * n * n * n / (now() - start);
}

struct Sample {
  double median, least, most;
};

Sample sample_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

class Report {
 public:
  explicit Report(int runs) : runs_(runs) {}
  [[nodiscard]] int runs() const { return runs_; }

  // `work` does its work once and returns the seconds that count. The rate is measured before each run, for a
  // machine's speed drifts.
  template <class Real>
  double against_bound(const std::string& name, double flops, double target,
                       const std::function<double()>& work) {
    (void)gemm_rate<Real>();
    (void)work();
    std::vector<double> ratios, seconds, rates;
    for (int run = 0; run < runs_; ++run) {
      rates.push_back(std::max(gemm_rate<Real>(), gemm_rate<Real>()));
      seconds.push_back(work());
      ratios.push_back(seconds.back() * rates.back() / flops);
    }
    const double rate = sample_of(rates).median;
    add(name, sample_of(seconds).median, "x bound", sample_of(ratios), target, rate * 1e-9);
    return sample_of(seconds).median;
  }
  void add(const std::string& name, double seconds, const std::string& unit, Sample value, double target,
           double gflops = 0) {
    char goal[32] = "";
    if (target != 0) std::snprintf(goal, sizeof goal, "%s %.4g", target > 0 ? "<=" : ">=", std::abs(target));
    std::printf("| %-48s | %9.3f ms | %7.3f (%.3f to %.3f) %s | %s | %.0f |\n", name.c_str(), 1e3 * seconds,
                value.median, value.least, value.most, unit.c_str(), goal, gflops);
    std::fflush(stdout);
    json_.push_back({{"name", name},
                     {"seconds", seconds},
                     {"unit", unit},
                     {"median", value.median},
                     {"least", value.least},
                     {"most", value.most},
                     {"target", target},
                     {"gemm_gflops", gflops}});
  }
  [[nodiscard]] const nlohmann::json& json() const { return json_; }

 private:
  int runs_;
  nlohmann::json json_ = nlohmann::json::array();
};

// A network recorded once; its kernel at whatever theta holds now.
template <class Real>
struct Recorded {
  Mlp<Real> model;
  Parameters<Real> theta;
  Matrix<Real> x;
  Tape<Real> tape;
  Var y;
  Jacobian<Real> j;

  Recorded(std::vector<Index> widths, Index examples)
      : model({.widths = widths}),
        theta(model.initialize(Seed{1})),
        x(normal_matrix<Real>(examples, widths[0], 3)) {
    y = model(tape, theta, tape.input(x));
    j = per_example_jacobian(tape, y);
  }
  double kernel(KernelForm form) {
    const double start = now();
    tape.replay();
    refresh(j);
    last = gram(j, j, form);
    return now() - start;
  }
  Matrix<Real> last;
};

// Seconds a step, the first left out: it touches memory for the first time.
template <class Real>
class Clock : public Observer<Real> {
 public:
  explicit Clock(bool track) : track_(track) {}
  bool observe(const TrainingState<Real>& s) override {
    if (s.step == 1) start_ = now();
    if (s.step > 0) last_ = s.step;
    if (track_) kernel_ = gram(s.jacobian(), s.jacobian(), KernelForm::trace);
    if (s.step > 0) end_ = now();
    return true;
  }
  [[nodiscard]] double per_step() const { return (end_ - start_) / static_cast<double>(last_ - 1); }

 private:
  bool track_;
  double start_ = 0, end_ = 0;
  Index last_ = 0;
  Matrix<Real> kernel_;
};

template <class Real>
double step_seconds(const Recorded<Real>& r, Index steps, bool track) {
  const data::Dataset<Real> data{
      r.x, normal_matrix<Real>(r.x.shape(0), r.model.architecture().widths.back(), 4), "", ""};
  Parameters<Real> theta = r.theta;
  Clock<Real> clock(track);
  gradient_descent(r.model, theta, data, {.rate = 1e-3, .steps = steps + 1}, clock);
  return clock.per_step();
}

template <class Real>
double difference(const Matrix<Real>& a, const Matrix<Real>& b) {
  double top = 0, size = 0;
  for (Index k = 0; k < a.size(); ++k) {
    top = std::max(top, std::abs(static_cast<double>(a.data()[k] - b.data()[k])));
    size = std::max(size, std::abs(static_cast<double>(b.data()[k])));
  }
  return top / size;
}

double with_threads(int threads, const std::function<double()>& work) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  const double seconds = work();
  omp_set_num_threads(before);
  return seconds;
}

void kernels_and_steps(Report& report, Index width, Index examples, Index steps, double kernel_target,
                       double step_target) {
  const std::vector<Index> widths = {784, width, width, width, 1};
  const Flops flops(widths, examples, false);
  const std::string name = "784-" + std::to_string(width) + "x3-1, N = " + std::to_string(examples);
  Recorded<float> r(widths, examples);
  const auto kernel = [&] { return r.kernel(KernelForm::trace); };
  report.against_bound<float>("kernel, " + name, flops.forward + flops.backward + flops.grams, kernel_target,
                              kernel);
  const double step = flops.forward + flops.backward + flops.weights;
  const auto train = [&] { return step_seconds(r, steps, false); };
  const auto tracked = [&] { return step_seconds(r, steps, true); };
  report.against_bound<float>("step, " + name, step, step_target, train);
  report.against_bound<float>("step with its kernel, " + name, step + flops.grams, 1.10, tracked);
  std::vector<double> extra;
  for (int run = 0; run < report.runs(); ++run) extra.push_back(tracked() / train());
  report.add("tracking every step / not, " + name, 0, "x", sample_of(extra), 1.2);
  if (omp_get_max_threads() < 2) return;
  for (const auto& [what, work] :
       {std::pair<const char*, std::function<double()>>{"kernel", kernel}, {"step", train}}) {
    std::vector<double> gain;
    for (int run = 0; run < report.runs(); ++run)
      gain.push_back(with_threads(1, work) / with_threads(2, work));
    report.add(std::string(what) + ", one thread / two, " + name, 0, "x", sample_of(gain), -1.9);
  }
}

void small_networks(Report& report) {
  Recorded<float> r({2, 50, 50, 50, 1}, 4);
  std::vector<double> seconds;
  for (int run = 0; run < report.runs(); ++run) seconds.push_back(step_seconds(r, 2000, false));
  report.add("step, 2-50x3-1, N = 4", sample_of(seconds).median, "us",
             sample_of({1e6 * sample_of(seconds).median}), 0);
  const auto ensemble = [&] {
    const double start = now();
#pragma omp parallel for schedule(dynamic, 8)
    for (int k = 0; k < 1000; ++k) (void)step_seconds(r, 20, false);
    return now() - start;
  };
  std::vector<double> gain;
  for (int run = 0; run < report.runs(); ++run)
    gain.push_back(with_threads(1, ensemble) / with_threads(2, ensemble));
  report.add("1000 such networks, one thread / two", 0, "x", sample_of(gain), -1.9);
}

void ten_outputs(Report& report) {
  const std::vector<Index> widths = {784, 256, 256, 256, 10};
  Recorded<float> r(widths, 128);
  const Flops full(widths, 128, true), trace(widths, 128, false);
  const double seconds = report.against_bound<float>("full kernel, 784-256x3-10, N = 128",
                                                     full.forward + full.backward + full.grams, 1.3,
                                                     [&] { return r.kernel(KernelForm::full); });
  std::vector<double> part;
  for (int run = 0; run < report.runs(); ++run)
    part.push_back(r.kernel(KernelForm::trace) / r.kernel(KernelForm::full));
  report.add("its trace form / the full one", seconds * sample_of(part).median, "x", sample_of(part), 0.2);
}

void dense_rows_of(Report& report) {
  const std::vector<Index> widths = {784, 512, 512, 512, 1};
  Recorded<double> r(widths, 64);
  const Flops flops(widths, 64, false);
  const double bytes = 64 * sizeof(double) * number(r.model.architecture().parameter_count());
  std::vector<double> ratios, seconds;
  Matrix<double> rows;
  std::vector<char> block(static_cast<Index>(bytes));
  for (int run = 0; run < report.runs() + 1; ++run) {
    double start = now();
    std::memset(block.data(), run, block.size());
    const double writing = now() - start;
    const double bound = writing + (flops.forward + flops.backward + flops.weights) / gemm_rate<double>();
    start = now();
    r.tape.replay();
    refresh(r.j);
    dense_jacobian(r.j, rows);
    if (run == 0) continue;
    seconds.push_back(now() - start);
    ratios.push_back(seconds.back() / bound);
  }
  report.add("dense Jacobian, 784-512x3-1, N = 64, f64", sample_of(seconds).median,
             "x writing it + gradients", sample_of(ratios), 1.5);
}

void normals(Report& report, Index count) {
  std::vector<float> out(count);
  std::vector<double> words(count);
  const Index pieces = 64, piece = count / pieces;
  const auto normal = [&] {
    const double start = now();
#pragma omp parallel for schedule(static)
    for (Index p = 0; p < pieces; ++p)
      fill_normal<float>(Seed{1}, 0, p * piece, {out.data() + p * piece, piece});
    return now() - start;
  };
  const auto raw = [&] {
    const double start = now();
#pragma omp parallel for schedule(static)
    for (Index p = 0; p < pieces; ++p) fill_uniform(Seed{1}, 0, p * piece, {words.data() + p * piece, piece});
    return now() - start;
  };
  std::vector<double> ratios, seconds;
  (void)normal();
  (void)raw();
  for (int run = 0; run < report.runs(); ++run) {
    seconds.push_back(normal());
    ratios.push_back(raw() / seconds.back());
  }
  report.add(std::to_string(count) + " normals / as many uniforms", sample_of(seconds).median, "x their rate",
             sample_of(ratios), -0.8);
}

void check_agreement() {
  Recorded<float> f({20, 64, 64, 1}, 40);
  Recorded<double> d({20, 64, 64, 1}, 40);
  (void)f.kernel(KernelForm::trace);
  (void)d.kernel(KernelForm::trace);
  const auto dense =
      empirical_ntk(d.model, d.theta, d.x, KernelOptions<double>{.route = Route::dense}).values;
  const auto one_shot = empirical_ntk(f.model, f.theta, f.x, KernelForm::trace).values;
  if (!(difference(d.last, dense) < 1e-12) || !(difference(f.last, one_shot) < 1e-5)) {
    std::fprintf(stderr, "ntape-targets: kernels by two ways disagree\n");
    std::exit(1);
  }
}

}  // namespace

extern "C" char* openblas_get_corename(void);

int main(int argc, char** argv) {
  bool brief = false, large = false;
  std::string file;
  for (int k = 1; k < argc; ++k) {
    const std::string word = argv[k];
    if (word == "--short") {
      brief = true;
    } else if (word == "--large") {
      large = true;
    } else if (word.starts_with("--json=")) {
      file = word.substr(7);
    } else {
      std::fprintf(stderr, "usage: ntape-targets [--short] [--large] [--json=FILE]\n");
      return 2;
    }
  }
  std::printf("%d threads, OpenBLAS kernels %s, ntape %s\n\n", omp_get_max_threads(), openblas_get_corename(),
              NTAPE_VERSION);
  check_agreement();
  std::printf("| work | time | median (least to most) | target | gemm GF/s |\n|---|---|---|---|---|\n");
  Report report(brief ? 1 : 7);
  if (brief) {
    kernels_and_steps(report, 64, 64, 4, 0, 0);
  } else {
    kernels_and_steps(report, 1024, 256, 16, 1.15, 1.15);
    ten_outputs(report);
    dense_rows_of(report);
  }
  small_networks(report);
  normals(report, brief ? 1u << 16 : 20'000'000);
  if (large) {
    Report few(3);
    kernels_and_steps(few, 10000, 512, 2, 1.10, 1.10);
  }
  if (!file.empty()) {
    std::FILE* out = std::fopen(file.c_str(), "w");
    if (!out) return 2;
    std::fputs(report.json().dump(2).c_str(), out);
    std::fclose(out);
  }
  return 0;
}
