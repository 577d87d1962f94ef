#include <algorithm>
#include <ntape/base/errors.hpp>
#include <ntape/data/split.hpp>

namespace ntape::data {
namespace {

bool takes_all(const SourceOptions& o) {
  return o.examples == 0 && (!o.inputs.empty() || o.spec.starts_with("idx:") || o.spec.ends_with(".npz") ||
                             o.spec.ends_with(".csv"));
}

Matrix<double> last_rows(const Matrix<double>& m, Index count) {
  Matrix<double> last = make_matrix<double>(count, m.shape(1));
  std::copy_n(row(m, m.shape(0) - count), last.size(), last.data());
  return last;
}

}  // namespace

Split load_split(const SourceOptions& options, Index held_out) {
  if (held_out == 0) throw UserError("0 examples are to be held out; at least 1 is needed");
  if (options.spec == "circle")
    throw UserError(
        "the points of the circle depend on their number, so that none can be held out; give test inputs");
  SourceOptions of_all = options, of_train = options;
  Dataset<double> all;
  if (takes_all(options)) {
    all = load(of_all);
    if (all.x.shape(0) <= held_out)
      throw UserError("the dataset '" + all.name + "' has " + std::to_string(all.x.shape(0)) +
                      " examples, and none is left for training when " + std::to_string(held_out) +
                      " are held out");
    of_train.examples = all.x.shape(0) - held_out;
  }
  Split split{load(of_train), {}};
  if (all.x.size() == 0) {
    of_all.examples = split.train.x.shape(0) + held_out;
    all = load(of_all);
  }
  split.test = {last_rows(all.x, held_out), last_rows(all.y, held_out), all.name,
                std::to_string(held_out) + " held out"};
  return split;
}

}  // namespace ntape::data
