#pragma once

#include <ntape/report/sheet.hpp>
#include <ntape/run/run_directory.hpp>
#include <ntape/study/verdict.hpp>
#include <ntape/tensor/matrix.hpp>
#include <string>
#include <utility>
#include <vector>

namespace ntape::study {

/// One of the paper's figures made again: the picture, the numbers in it, and what they say.
struct FigureReport {
  std::string name;  ///< of the picture's files: "figure-1"
  report::Sheet sheet;
  Verdict verdict;
  std::string csv;  ///< data.csv
  struct Array {
    std::string name;
    std::vector<Index> shape;
    std::vector<double> values;
  };
  std::vector<Array> arrays;  ///< data.npz
  std::vector<std::pair<std::string, std::string>>
      settings;  ///< all that the numbers depend on, for the manifest
};

/// data.csv, data.npz, verdict.md, verdict.json, manifest.json, and the picture as svg, pdf and png. Without
/// gnuplot the picture is left out, and `warning` says why; else it is empty. Throws UserError when a byte
/// cannot be written.
struct Written {
  std::string warning;
};
[[nodiscard]] Written write_figure(const run::RunDirectory& directory, const FigureReport& report,
                                   double wall_seconds);

}  // namespace ntape::study
