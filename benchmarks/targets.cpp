// What ntape's main pieces of work cost against the least that they can cost on this machine, in one run: the
// table of benchmarks/README.md. `ntape-targets --short` only shows that everything runs and agrees.

#include <cblas.h>
#include <omp.h>

#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <ntape/base/philox.hpp>
#include <ntape/jacobian/dense.hpp>
#include <ntape/run/blas_kernel.hpp>
#include <ntape/study/ensemble.hpp>
#include <string>
#include <vector>

#include "peak_memory.hpp"
#include "plain_products.hpp"
#include "report.hpp"
#include "workload.hpp"

namespace {

using namespace workload;

double number(Index n) {
  return static_cast<double>(n);
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

// The runs of each piece of work, and the report that they go to.
struct Runs {
  int count;
  Report& report;

  // `ratio` does the work and returns a ratio of times. Negative targets: at least.
  void ratio(const std::string& name, double target, const std::function<double()>& ratio) const {
    std::vector<double> ratios;
    for (int run = 0; run < count; ++run) ratios.push_back(ratio());
    report.add({name, 0, "x", sample_of(ratios), target});
  }
};

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

// Pieces of work that take turns, so that a machine's drift meets all, and what is said of them.
class Turns {
 public:
  explicit Turns(const Runs& runs) : runs_(runs) {}

  /// `work` does its work once and returns the seconds that count. The rate of BLAS is measured before.
  Index piece(std::function<double()> work, double flops = 0) {
    pieces_.push_back({std::move(work), flops, {}, {}});
    return pieces_.size() - 1;
  }
  void take() {
    (void)gemm_rate<float>();
    for (Piece& p : pieces_) (void)p.work();  // memory is touched, code is loaded
    for (int run = 0; run < runs_.count; ++run)
      for (Piece& p : pieces_) {
        p.rates.push_back(std::max(gemm_rate<float>(), gemm_rate<float>()));
        p.seconds.push_back(p.work());
      }
  }
  void against_bound(const std::string& name, Index piece, double target) const {
    const Piece& p = pieces_[piece];
    std::vector<double> ratios;
    for (Index k = 0; k < p.seconds.size(); ++k) ratios.push_back(p.seconds[k] * p.rates[k] / p.flops);
    runs_.report.add({name, sample_of(p.seconds).median, "x bound", sample_of(ratios), target,
                      1e-9 * sample_of(p.rates).median});
  }
  /// Seconds of one over those of the other in the same turn. Negative targets: at least.
  void ratio(const std::string& name, Index above, Index below, double target) const {
    std::vector<double> ratios;
    for (Index k = 0; k < pieces_[above].seconds.size(); ++k)
      ratios.push_back(pieces_[above].seconds[k] / pieces_[below].seconds[k]);
    runs_.report.add({name, 0, "x", sample_of(ratios), target});
  }

 private:
  struct Piece {
    std::function<double()> work;
    double flops;
    std::vector<double> seconds, rates;
  };
  const Runs& runs_;
  std::vector<Piece> pieces_;
};

using plain_products::Products;

void kernels_and_steps(const Runs& runs, Index width, Index examples, Index steps, double kernel_target,
                       double step_target) {
  const std::vector<Index> widths = {784, width, width, width, 1};
  const Flops flops(widths, examples, false);
  const std::string name = ", 784-" + std::to_string(width) + "x3-1, N = " + std::to_string(examples);
  Recorded<float> r(widths, examples);
  Products of_kernel({widths, examples, false, true, false}), of_step({widths, examples, false, false, true}),
      of_both({widths, examples, false, true, true});
  const auto kernel = [&] { return r.kernel(KernelForm::trace); };
  const auto train = [&] { return step_seconds(r, steps, false); };
  const auto tracked = [&] { return step_seconds(r, steps, true); };
  const double step = flops.forward + flops.backward + flops.weights,
               kernel_flops = flops.forward + flops.backward + flops.grams;
  Turns turns(runs);
  const Index k = turns.piece(kernel, kernel_flops), s = turns.piece(train, step),
              t = turns.piece(tracked, step + flops.grams);
  const Index k_alone = turns.piece([&] { return of_kernel.seconds(); }, kernel_flops),
              s_alone = turns.piece([&] { return of_step.seconds(); }, step),
              t_alone = turns.piece([&] { return of_both.seconds(); }, step + flops.grams);
  const bool two = omp_get_max_threads() >= 2;
  const Index k1 = two ? turns.piece([&] { return with_threads(1, kernel); }) : 0,
              s1 = two ? turns.piece([&] { return with_threads(1, train); }) : 0,
              t1 = two ? turns.piece([&] { return with_threads(1, tracked); }) : 0;
  turns.take();
  turns.against_bound("kernel" + name, k, kernel_target);
  turns.against_bound("step" + name, s, step_target);
  turns.against_bound("step with its kernel" + name, t, 1.10);
  turns.ratio("tracking every step / not" + name, t, s, 1.2);
  // By plain BLAS and nothing else: over the bound, and what ntape takes over them.
  turns.against_bound("products alone of a kernel" + name, k_alone, 0);
  turns.against_bound("products alone of a step" + name, s_alone, 0);
  turns.against_bound("products alone of a step with its kernel" + name, t_alone, 0);
  turns.ratio("kernel / its products alone" + name, k, k_alone, 0);
  turns.ratio("step / its products alone" + name, s, s_alone, 0);
  turns.ratio("step with its kernel / its products alone" + name, t, t_alone, 0);
  if (!two) return;
  turns.ratio("kernel, one thread / two" + name, k1, k, -1.9);
  turns.ratio("step, one thread / two" + name, s1, s, -1.9);
  turns.ratio("step with its kernel, one thread / two" + name, t1, t, -1.9);
}

void narrow_kernel(const Runs& runs) {
  const std::vector<Index> widths = {784, 128, 128, 128, 1};
  const std::string name = ", 784-128x3-1, N = 256";
  const Flops flops(widths, 256, false);
  const double all = flops.forward + flops.backward + flops.grams;
  Recorded<float> r(widths, 256);
  Products products({widths, 256, false, true, false});
  Turns turns(runs);
  const Index k = turns.piece([&] { return r.kernel(KernelForm::trace); }, all),
              alone = turns.piece([&] { return products.seconds(); }, all);
  turns.take();
  turns.against_bound("kernel" + name, k, 0);
  turns.against_bound("products alone of a kernel" + name, alone, 0);
  turns.ratio("kernel / its products alone" + name, k, alone, 0);
}

void peaks(const Runs& runs, Index width, Index examples) {
  const std::string name = "784-" + std::to_string(width) + "x3-1, N = " + std::to_string(examples);
  const PeakMemory kernel = peak_memory("kernel", width, examples);
  runs.report.add({"peak memory of a kernel beyond its weights, " + name, 0, "GiB",
                   sample_of({(kernel.bytes - kernel.weights) / 0x1p30}), 0.5});
  const PeakMemory step = peak_memory("step", width, examples);
  runs.report.add({"peak memory of a step / weights, inputs, and z and alpha of every hidden layer, " + name,
                   0, "x", sample_of({step.bytes / (step.weights + step.activations)}), 1.15});
}

void small_networks(const Runs& runs) {
  const std::vector<Index> widths = {2, 50, 50, 50, 1};
  Recorded<float> r(widths, 4);
  std::vector<double> microseconds;
  for (int run = 0; run < runs.count; ++run) microseconds.push_back(1e6 * step_seconds(r, 2000, false));
  const Sample step = sample_of(microseconds);
  runs.report.add({"step, 2-50x3-1, N = 4", 1e-6 * step.median, "us", step});
  const study::EnsemblePlan plan{.architecture = {.widths = widths},
                                 .networks = 1000,
                                 .descent = {.rate = 1},
                                 .steps = {200},
                                 .precision = study::Precision::f32};
  const data::Dataset<double> data{normal_matrix<double>(4, 2, 3), normal_matrix<double>(4, 1, 4), "", ""};
  const auto ensemble = [&] {
    const double start = now();
    (void)study::train_ensemble(plan, data, data.x);
    return now() - start;
  };
  runs.ratio("1000 such networks trained together, one thread / two", -1.9,
             [&] { return with_threads(1, ensemble) / with_threads(2, ensemble); });
}

void ten_outputs(const Runs& runs) {
  const std::vector<Index> widths = {784, 256, 256, 256, 10};
  const std::string name = ", 784-256x3-10, N = 128";
  Recorded<float> r(widths, 128);
  const Flops flops(widths, 128, true);
  const double all = flops.forward + flops.backward + flops.grams;
  Products products({widths, 128, true, true, false});
  Turns turns(runs);
  const Index full = turns.piece([&] { return r.kernel(KernelForm::full); }, all),
              trace = turns.piece([&] { return r.kernel(KernelForm::trace); }),
              alone = turns.piece([&] { return products.seconds(); }, all);
  turns.take();
  turns.against_bound("full kernel" + name, full, 1.3);
  turns.against_bound("products alone of a full kernel" + name, alone, 0);
  turns.ratio("full kernel / its products alone" + name, full, alone, 0);
  turns.ratio("its trace form / the full one", trace, full, 0.2);
}

void dense_rows_of(const Runs& runs) {
  const std::vector<Index> widths = {784, 512, 512, 512, 1};
  Recorded<double> r(widths, 64);
  const Flops flops(widths, 64, false);
  const double bytes = 64 * sizeof(double) * number(r.model.architecture().parameter_count());
  std::vector<double> ratios, seconds;
  Matrix<double> rows;
  constexpr int kParts = 64;
  const Index part = static_cast<Index>(bytes) / kParts;
  std::vector<char> block(kParts * part);
  for (int run = 0; run < runs.count + 1; ++run) {
    double start = now();
#pragma omp parallel for schedule(static)
    for (int k = 0; k < kParts; ++k) std::memset(block.data() + k * part, run, part);
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
  runs.report.add({"dense Jacobian, 784-512x3-1, N = 64, f64", sample_of(seconds).median,
                   "x writing it + gradients", sample_of(ratios), 1.5});
}

// Words of Philox 4x64-10 as Random123 makes them, into memory that stays in cache: what a normal, which is
// made of one word, cannot be cheaper than.
void raw_words(std::uint64_t first, Index count, std::span<std::uint64_t> buffer) {
  const r123::Philox4x64 cipher;
  const r123::Philox4x64::key_type key = {{1, 0}};
  Index at = 0;
  for (Index k = 0; k < count; k += 4) {
    const auto words = cipher({{(first + k) / 4, 0, 0, 0}}, key);
    for (Index j = 0; j < 4; ++j) buffer[at + j] = words[j];
    at = (at + 4) % buffer.size();
  }
}

void normals(const Runs& runs, Index count) {
  constexpr Index kPieces = 64, kBuffer = 1024;
  const Index piece = count / kPieces / 4 * 4;
  std::vector<float> out(kPieces * piece);
  const auto in_pieces = [&](const auto& fill) {
    const double start = now();
#pragma omp parallel for schedule(static)
    for (Index p = 0; p < kPieces; ++p) fill(p * piece);
    return number(kPieces * piece) / (now() - start);
  };
  volatile std::uint64_t sink = 0;
  const auto normal = [&] {
    return in_pieces([&](Index at) { fill_normal<float>(Seed{1}, 0, at, {out.data() + at, piece}); });
  };
  const auto raw = [&] {
    return in_pieces([&](Index at) {
      std::array<std::uint64_t, kBuffer> words;
      raw_words(at, piece, words);
      sink = words[at % 4];
    });
  };
  (void)normal();
  (void)raw();
  std::vector<double> ratios, of_normals, of_words;
  for (int run = 0; run < runs.count; ++run) {
    of_normals.push_back(1e-6 * normal());
    of_words.push_back(1e-6 * raw());
    ratios.push_back(of_normals.back() / of_words.back());
  }
  const Sample rate = sample_of(of_normals), words = sample_of(of_words);
  const double millions = 1e-6 * number(out.size());
  runs.report.add({"standard normals, float", millions / rate.median, "million/s", rate});
  runs.report.add({"words of Philox 4x64-10, Random123", millions / words.median, "million/s", words});
  runs.report.add({"rate of normals / of words", 0, "x", sample_of(ratios), -0.8});
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

// Opened before the work, so that a name that cannot be written is known at once.
std::ofstream open(const std::string& file) {
  std::ofstream out;
  if (file.empty()) return out;
  out.open(file);
  if (!out) {
    std::fprintf(stderr, "ntape-targets: cannot write '%s'\n", file.c_str());
    std::exit(2);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  ntape::run::restart_with_better_blas_kernel(argv);
  bool brief = false, large = false;
  std::string json_file, markdown_file;
  for (int k = 1; k < argc; ++k) {
    const std::string word = argv[k];
    if (word == "--short") {
      brief = true;
    } else if (word == "--large") {
      large = true;
    } else if (word.starts_with("--peak=")) {  // for peak_memory, which runs this program again
      return print_peak_memory(argv[k] + 7);
    } else if (word.starts_with("--json=")) {
      json_file = word.substr(7);
    } else if (word.starts_with("--markdown=")) {
      markdown_file = word.substr(11);
    } else {
      std::fprintf(stderr, "usage: ntape-targets [--short] [--large] [--json=FILE] [--markdown=FILE]\n");
      return 2;
    }
  }
  std::ofstream json = open(json_file), markdown = open(markdown_file);
  check_agreement();
  Report report(describe_machine());
  report.start();
  const Runs runs{brief ? 1 : 7, report};
  if (brief) {
    kernels_and_steps(runs, 64, 64, 4, 0, 0);
  } else {
    kernels_and_steps(runs, 1024, 256, 16, 1.15, 1.15);
    narrow_kernel(runs);
    ten_outputs(runs);
    dense_rows_of(runs);
  }
  small_networks(runs);
  normals(runs, brief ? 1u << 16 : 200'000'000);
  if (large) {
    peaks(runs, 10000, 512);
    kernels_and_steps(runs, 10000, 512, 1, 1.10, 1.10);
  }
  if (json.is_open()) json << report.json().dump(2) << '\n' << std::flush;
  if (markdown.is_open()) markdown << report.markdown() << std::flush;
  if (!json || !markdown) {
    std::fprintf(stderr, "ntape-targets: a file could not be written\n");
    return 1;
  }
  return 0;
}
