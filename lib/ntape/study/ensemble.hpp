#pragma once

#include <cstdint>
#include <functional>
#include <ntape/data/dataset.hpp>
#include <ntape/model/architecture.hpp>
#include <ntape/study/precision.hpp>
#include <ntape/train/descent.hpp>
#include <string>
#include <vector>

namespace ntape::study {

/// Many networks of one architecture, from one seed each, trained alike.
struct EnsemblePlan {
  Architecture architecture;
  Index networks = 100;            ///< S
  std::uint64_t first_seed = 0;    ///< network s has seed first_seed + s
  DescentOptions descent = {};     ///< its `steps` is not read: the last of `steps` below is
  std::vector<Index> steps = {0};  ///< when outputs are kept: ascending, none twice
  Precision precision = Precision::f64;
};

/// What is kept of an ensemble: outputs on M inputs at T steps, of the networks that reached the last one.
struct EnsembleOutputs {
  std::vector<Index> steps;          ///< [T]
  std::vector<std::uint64_t> seeds;  ///< [S], without those stopped
  Shape at;                          ///< M x C, the shape of one network's outputs at one step
  Stack<double> values;              ///< [T x S x M C]: values(t, s, m C + c)
  Matrix<double> losses;             ///< [T x S], the objective on the training set
  std::vector<std::string> stopped;  ///< one sentence, with the seed, for each network that diverged
};

/// Trains S networks on `data` and keeps their outputs on `inputs` [M x n_0] (the training inputs, if those
/// are what is asked about). Networks are spread over OpenMP's threads, one a thread; fewer networks than
/// threads, or networks of which fewer fit in memory at the same time, use the threads within. Results are
/// the same bits for any number of threads and networks: network s depends on its seed only. A network that
/// diverges, or whose outputs overflow, is left out and says so in `stopped`. `progress` is told the number
/// of networks done since the last call, from any thread. Throws UserError for a plan or data that cannot be,
/// when not even one network fits in memory, and when every network diverged. Cost: per network and step
/// about 6 N P flops and no allocation; per kept step one evaluation on M inputs. Memory: a network and its
/// activations per thread, and 8 T S M C bytes.
[[nodiscard]] EnsembleOutputs train_ensemble(const EnsemblePlan& plan, const data::Dataset<double>& data,
                                             const Matrix<double>& inputs,
                                             const std::function<void(std::uint64_t)>& progress = {});

}  // namespace ntape::study
