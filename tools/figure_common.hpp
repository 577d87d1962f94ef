#pragma once

#include <functional>
#include <ntape/study/figure_report.hpp>
#include <string>
#include <vector>

#include "interrupt.hpp"
#include "options.hpp"

/// What the figures' commands share: options, and a run directory that is complete or not there.
namespace ntape::tools {

struct FigureOptions {
  bool small = false;
  std::string out;
  MachineOptions machine{.precision = "f32", .threads = 0};
  TalkOptions talk;
  std::vector<Index> widths;  ///< empty: the plan's own
  Index seeds = 0;            ///< 0: the plan's own
  std::uint64_t first_seed = 0;

  [[nodiscard]] bool speaks() const { return !talk.quiet && !talk.json; }
};

/// --small, --width, --seeds, --seed, --precision, --threads, --out, --quiet, --json. `small_help` says what
/// --small makes of the figure.
void add_figure_options(CLI::App& app, FigureOptions& o, const std::string& small_help);

/// The widths that are given, ascending, or `own`. Throws UserError for one that is named twice.
[[nodiscard]] std::vector<Index> chosen_widths(const FigureOptions& o, std::vector<Index> own);

/// Makes the directory's report by `work`, writes it, prints the verdict. Returns the exit code. The
/// directory is runs/`name` or, where that is taken, runs/`name`-2, ... unless --out names one.
int make_figure(const FigureOptions& o, const std::string& name,
                const std::function<study::FigureReport()>& work);

/// One function a figure, as in commands.hpp.
int figure_1_command(const std::vector<std::string>& arguments);
int figure_2_command(const std::vector<std::string>& arguments);
int figure_3_command(const std::vector<std::string>& arguments);
int figure_lee_command(const std::vector<std::string>& arguments);
int figure_spectrum_command(const std::vector<std::string>& arguments);

}  // namespace ntape::tools
