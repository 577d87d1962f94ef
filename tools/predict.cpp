#include <iostream>

#include "commands.hpp"
#include "predict_print.hpp"

namespace ntape::tools {

int predict_command(const std::vector<std::string>& arguments) {
  PredictOptions o;
  o.model.widths = {512};
  Command app("Training in function space under a constant kernel: losses at any time, without training.",
              "ntape predict");
  add_predict_options(app, o);
  if (const auto code = parse(app, arguments)) return *code;
  apply_threads(o.machine);
  require_activations(o.model.activation);
  require_predictable(app, o);

  const PredictProblem problem = predict_problem(o);
  const PredictResult result = predict(o, problem);
  for (const std::string& text : result.warnings) std::cerr << "ntape: warning: " << text << '\n';
  if (!o.out.empty()) write_prediction(o, result);
  if (o.talk.json)
    std::cout << prediction_facts(o, problem, result).dump(2) << '\n';
  else if (!o.talk.quiet)
    print_prediction(o, problem, result, std::cout);
  return 0;
}

}  // namespace ntape::tools
