#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ntape/base/errors.hpp>
#include <ntape/run/run_directory.hpp>
#include <ntape/run/table.hpp>

#include "commands.hpp"
#include "figure_common.hpp"

namespace ntape::tools {
namespace {

constexpr const char* kNames = "1, 2, 3, lee and spectrum";

constexpr const char* kUsage =
    R"(Make a figure of Jacot, Gabriel and Hongler (2018) again, or one of those who followed: the picture
(svg, pdf, png), its numbers (csv, npz), and a verdict on each claim.

usage: ntape figure NAME [OPTIONS]     ntape figure NAME --help

names:
  1          the kernel on the circle at the start and after training (half an hour; 1 GiB)
  2          functions of trained networks and their Gaussian limit (a quarter of an hour)
  3          training along a kernel principal component of MNIST (half an hour; 2 GiB)
  lee        what training moves, against width (a quarter of an hour; 1 GiB a thread)
  spectrum   eigenvalues of the kernel on Fashion-MNIST, and of its limit (three minutes; 1 GiB)

options of every figure: --small (about a minute), --width, --seeds, --precision, --threads, --out DIR

examples:
  ntape figure 1 --small
  ntape figure 3 --data fashion-mnist --out runs/fashion
)";

void print_verdict(const study::Verdict& verdict) {
  std::cout << verdict.title << "\n\n";
  for (const study::Claim& c : verdict.claims) {
    std::string measured = std::isnan(c.measured.value) ? "none" : run::significant(c.measured.value, 4);
    if (!std::isnan(c.measured.value) && !study::is_exact(c.measured))
      measured +=
          " +- " +
          (std::isfinite(study::interval95(c.measured)) ? run::significant(c.measured.error, 2) : "unknown");
    std::string word = study::name_of(c.outcome());
    word.resize(13, ' ');  // as wide as the widest, "not measured", and a space
    std::cout << word << c.statement << ": " << measured << '\n';
  }
}

}  // namespace

void add_figure_options(CLI::App& app, FigureOptions& o, const std::string& small_help) {
  app.add_flag("--small", o.small, "about a minute: " + small_help);
  app.add_option("--width", o.widths, "hidden widths")
      ->transform(whole_number(1))
      ->delimiter(',')
      ->type_name("N,...");
  app.add_option("--seeds", o.seeds, "networks per width")->transform(whole_number(1))->type_name("N");
  app.add_option("--seed", o.first_seed, "the first of them")
      ->transform(whole_number())
      ->type_name("S")
      ->capture_default_str();
  for (const char* name : {"--small", "--width", "--seeds", "--seed"}) app.get_option(name)->group("Figure");
  add_precision(app, o.machine);
  add_threads(app, o.machine);
  app.add_option("--out", o.out, "new directory; default: runs/figure-...")
      ->type_name("DIR")
      ->group("Output");
  add_talk(app, o.talk);
}

std::vector<Index> chosen_widths(const FigureOptions& o, std::vector<Index> own) {
  if (o.widths.empty()) return own;
  std::vector<Index> widths = o.widths;
  std::sort(widths.begin(), widths.end());
  const auto twice = std::adjacent_find(widths.begin(), widths.end());
  if (twice != widths.end()) throw UserError("--width names " + std::to_string(*twice) + " twice");
  return widths;
}

int make_figure(const FigureOptions& o, const std::string& name,
                const std::function<study::FigureReport()>& work) {
  using run::RunDirectory;
  Interrupts interrupts;
  apply_threads(o.machine);
  const auto started = std::chrono::steady_clock::now();
  RunDirectory directory(o.out.empty() ? "runs/" + name : o.out,
                         o.out.empty() ? RunDirectory::Taken::number : RunDirectory::Taken::refuse);
  // The lock that comes back is never opened: the program ends.
  const Interrupts::Cleanup cleanup(interrupts, [&] { (void)directory.abandon().release(); });
  const study::FigureReport report = work();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
  const study::Written written = study::write_figure(directory, report, wall.count());
  if (!written.warning.empty())
    std::cerr << "ntape: warning: the figure has no picture: " << written.warning << '\n';
  if (!directory.commit() && !o.out.empty())
    std::cerr << "ntape: warning: '" << o.out << "' has come to exist meanwhile; the figure is in '"
              << directory.final_path().string() << "'" << std::endl;
  if (o.talk.json) {
    nlohmann::ordered_json printed = {{"out", directory.final_path().string()}};
    printed.update(nlohmann::ordered_json::parse(study::verdict_json(report.verdict)));
    std::cout << printed.dump(2) << '\n';
  } else if (o.speaks()) {
    print_verdict(report.verdict);
    std::printf("\n%.1f s; figure and verdict in %s\n", wall.count(), directory.final_path().c_str());
  }
  return 0;
}

int figure_command(const std::vector<std::string>& arguments) {
  if (arguments.empty())
    throw UserError("no figure is named; the figures are " + std::string(kNames) +
                    " (see ntape figure --help)");
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h") {
    std::cout << kUsage;
    return 0;
  }
  if (name == "1") return figure_1_command(rest);
  if (name == "2") return figure_2_command(rest);
  if (name == "3") return figure_3_command(rest);
  if (name == "lee") return figure_lee_command(rest);
  if (name == "spectrum") return figure_spectrum_command(rest);
  throw UserError("no figure is called '" + name + "'; the figures are " + kNames +
                  " (see ntape figure --help)");
}

}  // namespace ntape::tools
