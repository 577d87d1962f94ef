#include <nlohmann/json.hpp>
#include <ntape/io/npz.hpp>
#include <ntape/run/manifest.hpp>
#include <ntape/study/figure_report.hpp>

namespace ntape::study {
namespace {

std::string manifest_json(const FigureReport& report, double wall_seconds) {
  const run::Environment environment = run::describe_environment();
  nlohmann::ordered_json j;
  j["figure"] = report.name;
  j["version"] = environment.version;
  j["compiler"] = environment.compiler;
  j["build_type"] = environment.build_type;
  j["native"] = environment.native;
  j["blas"] = environment.blas;
  j["blas_kernel"] = environment.blas_kernel;
  j["threads"] = environment.threads;
  j["finished_utc"] = environment.now_utc;
  j["wall_seconds"] = wall_seconds;
  for (const auto& [name, value] : report.settings) j["settings"][name] = value;
  return j.dump(2) + "\n";
}

}  // namespace

Written write_figure(const run::RunDirectory& directory, const FigureReport& report, double wall_seconds) {
  directory.write_text("data.csv", report.csv);
  io::NpzWriter file(directory.file("data.npz"));
  for (const auto& array : report.arrays) file.add<double>(array.name, array.shape, array.values);
  file.close();
  directory.write_text("verdict.md", verdict_markdown(report.verdict));
  directory.write_text("verdict.json", verdict_json(report.verdict));
  directory.write_text("manifest.json", manifest_json(report, wall_seconds));
  try {
    for (const report::Format format : report::kFormats)
      directory.write_text(report.name + "." + std::string(report::extension(format)),
                           report::draw(report.sheet, format));
  } catch (const report::GnuplotError& e) {
    // The numbers are worth keeping without their picture.
    return {e.what()};
  }
  return {};
}

}  // namespace ntape::study
