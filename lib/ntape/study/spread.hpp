#pragma once

#include <functional>
#include <ntape/tensor/matrix.hpp>

namespace ntape::study {

/// Calls work(0), ..., work(count - 1), at most `places` at the same time, on OpenMP's threads; one place
/// means one after another, with all threads inside each. A network has the same bits either way (see
/// lib/README.md, "Determinism"). What a work throws is thrown here; of several, the first.
void spread(Index count, Index places, const std::function<void(Index)>& work);

}  // namespace ntape::study
