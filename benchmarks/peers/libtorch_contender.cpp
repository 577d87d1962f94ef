// libtorch's side of the comparison: the layer-wise kernel and full-batch descent as one would write them
// with it.
//   libtorch-contender DIR METHOD FORM THREADS   METHOD: layerwise, layerwise-tiled, step-autograd,
//   step-manual

#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <memory>

#include "contender.hpp"
#include "torch_npy.hpp"

namespace {

using torch::Tensor;

constexpr double kBeta = 0.1;
constexpr long kSavedSteps = 5;
constexpr double kSavedRate = 1;

// Copies of the weights and data, in one precision. Layer l maps widths n_l to n_{l+1}.
struct Problem {
  std::vector<Tensor> w, b;
  Tensor x, y;

  Problem(const std::string& directory, torch::ScalarType type) {
    const auto read = [&](const std::string& name) {
      return read_npy(directory + "/" + name + ".npy").to(type);
    };
    x = read("x");
    y = read("y");
    for (int l = 0; std::ifstream(directory + "/W" + std::to_string(l) + ".npy"); ++l) {
      w.push_back(read("W" + std::to_string(l)));
      b.push_back(read("b" + std::to_string(l)));
    }
  }
  [[nodiscard]] std::size_t depth() const { return w.size(); }
  [[nodiscard]] double scale(std::size_t l) const { return 1 / std::sqrt(static_cast<double>(w[l].size(1))); }
};

// g <- m m^T; with rows > 0 in that many rows at a time and only up to the diagonal.
void gram(const Tensor& m, Tensor& g, int64_t rows) {
  if (rows == 0) {
    at::mm_out(g, m, m.t());
    return;
  }
  for (int64_t i = 0; i < m.size(0); i += rows) {
    const int64_t end = std::min(i + rows, m.size(0));
    Tensor tile = g.slice(0, i, end).slice(1, 0, end);
    at::mm_out(tile, m.slice(0, i, end), m.slice(0, 0, end).t());
  }
}

// Theta = sum_l (alpha alpha^T / n_l + beta^2) o (d d^T), all buffers made once.
class LayerwiseKernel {
 public:
  LayerwiseKernel(const Problem& problem, bool full, int64_t tile_rows)
      : p_(problem), full_(full), rows_(tile_rows) {
    const int64_t n = p_.x.size(0), c = p_.w.back().size(0);
    const int64_t pairs = full ? n * c : n;
    alpha_.push_back(p_.x);
    d_.emplace_back();
    for (std::size_t l = 0; l + 1 < p_.depth(); ++l) {
      alpha_.push_back(torch::empty({n, p_.w[l].size(0)}, p_.x.options()));
      // Outputs first where all pairs of them are wanted, or inside a row, whose products are then summed.
      d_.push_back(
          torch::empty(full ? at::IntArrayRef{c, n, p_.w[l].size(0)} : at::IntArrayRef{n, c, p_.w[l].size(0)},
                       p_.x.options()));
    }
    s_ = torch::zeros({n, n}, p_.x.options());
    g_ = torch::zeros({pairs, pairs}, p_.x.options());
    theta_ = torch::zeros({pairs, pairs}, p_.x.options());
  }

  // [N x N], averaged over outputs, or [C N x C N], row c N + n.
  const Tensor& operator()() {
    const torch::NoGradGuard none;
    const std::size_t last = p_.depth() - 1;
    const int64_t n = p_.x.size(0), c = p_.w[last].size(0), out = full_ ? 0 : 1;
    for (std::size_t l = 0; l < last; ++l) {
      at::addmm_out(alpha_[l + 1], p_.b[l], alpha_[l], p_.w[l].t(), kBeta, p_.scale(l));
      alpha_[l + 1].relu_();
    }
    theta_.zero_();
    activations(last);
    if (full_)
      theta_.view({c, n, c, n}).diagonal(0, 0, 2).add_(s_.unsqueeze(-1));
    else
      theta_.add_(s_);
    const double share = full_ ? 1 : 1 / std::sqrt(static_cast<double>(c));
    for (std::size_t l = last; l-- > 0;) {
      const Tensor mask = alpha_[l + 1].unsqueeze(out);
      if (l + 1 == last) {
        const Tensor seed = (p_.w[last] * (share * p_.scale(last))).unsqueeze(1 - out).expand_as(d_[l + 1]);
        at::threshold_backward_out(d_[l + 1], seed, mask.expand_as(seed), 0);
      } else {
        Tensor rows = d_[l + 1].view({n * c, -1});
        at::addmm_out(rows, rows, d_[l + 2].view({n * c, -1}), p_.w[l + 1], 0, p_.scale(l + 1));
        at::threshold_backward_out(d_[l + 1], d_[l + 1], mask.expand_as(d_[l + 1]), 0);
      }
      activations(l);
      gram(d_[l + 1].view({full_ ? c * n : n, -1}), g_, rows_);
      if (full_)
        theta_.view({c, n, c, n}).addcmul_(g_.view({c, n, c, n}), s_.view({1, n, 1, n}));
      else
        theta_.addcmul_(g_, s_);
    }
    for (int64_t i = 0; rows_ > 0 && i < theta_.size(0); i += rows_) {
      const int64_t end = std::min(i + rows_, theta_.size(0));
      theta_.slice(0, 0, i).slice(1, i, end).copy_(theta_.slice(0, i, end).slice(1, 0, i).t());
    }
    return theta_;
  }

 private:
  // s = alpha alpha^T / n_l + beta^2, whole where pairs of outputs need it so.
  void activations(std::size_t l) {
    gram(alpha_[l], s_, full_ ? 0 : rows_);
    s_.mul_(p_.scale(l) * p_.scale(l)).add_(kBeta * kBeta);
  }

  const Problem& p_;
  bool full_;
  int64_t rows_;
  std::vector<Tensor> alpha_, d_;
  Tensor s_, g_, theta_;
};

class ManualStep {
 public:
  ManualStep(const Problem& problem, double rate) : p_(problem), rate_(rate) {
    const int64_t n = p_.x.size(0);
    alpha_.push_back(p_.x);
    d_.emplace_back();
    for (std::size_t l = 0; l < p_.depth(); ++l) {
      p_.w[l] = p_.w[l].clone();
      p_.b[l] = p_.b[l].clone();
      alpha_.push_back(torch::empty({n, p_.w[l].size(0)}, p_.x.options()));
      d_.push_back(torch::empty_like(alpha_.back()));
    }
    ones_ = torch::ones({n}, p_.x.options());
  }
  double operator()() {
    const c10::InferenceMode none;
    const std::size_t depth = p_.depth();
    const double n = static_cast<double>(p_.x.size(0));
    forward();
    at::sub_out(d_[depth], alpha_[depth], p_.y);
    const double loss = at::dot(d_[depth].view(-1), d_[depth].view(-1)).item<double>() / (2 * n);
    d_[depth].mul_(1 / n);
    for (std::size_t l = depth; l-- > 0;) {
      if (l > 0) {
        at::addmm_out(d_[l], d_[l], d_[l + 1], p_.w[l], 0, p_.scale(l));
        at::threshold_backward_out(d_[l], d_[l], alpha_[l], 0);
      }
      p_.w[l].addmm_(d_[l + 1].t(), alpha_[l], 1, -rate_ * p_.scale(l));
      p_.b[l].addmv_(d_[l + 1].t(), ones_, 1, -rate_ * kBeta);
    }
    return loss;
  }
  const Tensor& outputs() {
    const c10::InferenceMode none;
    forward();
    return alpha_.back();
  }

 private:
  void forward() {
    for (std::size_t l = 0; l < p_.depth(); ++l) {
      at::addmm_out(alpha_[l + 1], p_.b[l], alpha_[l], p_.w[l].t(), kBeta, p_.scale(l));
      if (l + 1 < p_.depth()) alpha_[l + 1].relu_();
    }
  }
  Problem p_;
  double rate_;
  std::vector<Tensor> alpha_, d_;
  Tensor ones_;
};

class AutogradStep {
 public:
  AutogradStep(const Problem& problem, double rate) : p_(problem) {
    std::vector<Tensor> parameters;
    for (auto* list : {&p_.w, &p_.b})
      for (Tensor& t : *list) parameters.push_back(t = t.clone().requires_grad_(true));
    optimizer_ = std::make_unique<torch::optim::SGD>(parameters, torch::optim::SGDOptions(rate));
  }
  double operator()() {
    const Tensor loss = (outputs() - p_.y).square().sum() * (0.5 / static_cast<double>(p_.x.size(0)));
    optimizer_->zero_grad();
    loss.backward();
    optimizer_->step();
    return loss.item<double>();
  }
  Tensor outputs() {
    Tensor h = p_.x;
    for (std::size_t l = 0; l < p_.depth(); ++l) {
      h = torch::addmm(p_.b[l], h, p_.w[l].t(), kBeta, p_.scale(l));
      if (l + 1 < p_.depth()) h = torch::relu(h);
    }
    return h;
  }

 private:
  Problem p_;
  std::unique_ptr<torch::optim::SGD> optimizer_;
};

template <class Step>
contender::Work training(const std::string& directory) {
  const auto p = std::make_shared<const Problem>(directory, torch::kFloat32);
  contender::Work work;
  work.seconds = [p](long times) {
    Step step(*p, 1e-3);
    (void)step();  // touches memory for the first time
    const double start = contender::now();
    double loss = 0;
    for (long k = 0; k < times; ++k) loss = step();
    const double end = contender::now();
    if (!std::isfinite(loss)) std::fprintf(stderr, "libtorch-contender: the loss is not finite\n");
    return end - start;
  };
  work.save = [directory](const std::string& file, bool f64) {
    Step step(Problem(directory, f64 ? torch::kFloat64 : torch::kFloat32), kSavedRate);
    for (long k = 0; k < kSavedSteps; ++k) (void)step();
    write_npy(file, step.outputs().detach());
  };
  return work;
}

contender::Work kernel(const std::string& directory, bool full, bool tiled) {
  const auto p = std::make_shared<const Problem>(directory, torch::kFloat32);
  // Tiles of half the examples; of as many rows as there are examples where rows are those of all outputs.
  const int64_t rows = !tiled ? 0 : full ? p->x.size(0) : (p->x.size(0) + 1) / 2;
  const auto theta = std::make_shared<LayerwiseKernel>(*p, full, rows);
  contender::Work work;
  work.seconds = [p, theta](long times) {
    const double start = contender::now();
    for (long k = 0; k < times; ++k) (void)(*theta)();
    return contender::now() - start;
  };
  work.save = [directory, full, rows](const std::string& file, bool f64) {
    const Problem copy(directory, f64 ? torch::kFloat64 : torch::kFloat32);
    LayerwiseKernel one(copy, full, rows);
    const int64_t n = copy.x.size(0), c = copy.w.back().size(0);
    // ntape's order of rows is n C + c.
    write_npy(file, full ? one().view({c, n, c, n}).permute({1, 0, 3, 2}).reshape({n * c, n * c}) : one());
  };
  return work;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: libtorch-contender DIR METHOD full|trace THREADS\n");
    return 2;
  }
  const std::string directory = argv[1], method = argv[2], form = argv[3];
  at::set_num_threads(std::stoi(argv[4]));
  const std::string facts = "{\"version\": \"libtorch " TORCH_VERSION "\"}";
  if (method == "layerwise" || method == "layerwise-tiled")
    contender::serve(kernel(directory, form == "full", method == "layerwise-tiled"), facts);
  else if (method == "step-autograd")
    contender::serve(training<AutogradStep>(directory), facts);
  else if (method == "step-manual")
    contender::serve(training<ManualStep>(directory), facts);
  else
    return 2;
  return 0;
}
