#include "data_options.hpp"

#include <limits>

#include "options.hpp"

namespace ntape::tools {

void add_data(CLI::App& app, data::SourceOptions& source, std::uint64_t& seed) {
  auto* data = app.add_option("--data", source.spec,
                              "circle, gaussian-product, sphere:D, mnist,\n"
                              "fashion-mnist, idx:IMAGES,LABELS, FILE.npz or\n"
                              "FILE.csv; default:\n"
                              "x_1 x_2 on 128 standard normal points of the plane")
                   ->type_name("SOURCE");
  auto* inputs = app.add_option("--inputs", source.inputs, "N x n_0, instead of --data")->type_name("X.npy");
  auto* targets = app.add_option("--targets", source.targets, "N or N x n_L")->type_name("Y.npy");
  inputs->excludes(data);
  targets->excludes(data);
  app.add_option("--examples", source.examples, "how many to take; default: depends on the source")
      ->transform(whole_number(1))
      ->type_name("N");
  app.add_option("--classes", source.classes,
                 "labels to keep: two become targets -1 and +1, more a\n"
                 "centred one-hot code; default: all classes of images\n"
                 "(centred one-hot), other files' targets as they are")
      ->transform(whole_number(std::numeric_limits<int>::min(), std::numeric_limits<int>::max()))
      ->delimiter(',')
      ->type_name("A,B,...");
  app.add_option("--data-seed", seed, "of synthetic data")
      ->transform(whole_number())
      ->type_name("S")
      ->capture_default_str();
  for (const char* name : {"--data", "--inputs", "--targets", "--examples", "--classes", "--data-seed"})
    app.get_option(name)->group("Data");
}

}  // namespace ntape::tools
