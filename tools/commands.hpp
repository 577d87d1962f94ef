#pragma once

#include <string>
#include <vector>

/// One function a command: parses its own arguments, works, prints; returns the exit code.
/// Throws ntape::UserError for what the user can mend (exit code 2); main() turns it into one line.
namespace ntape::tools {

int drift_command(const std::vector<std::string>& arguments);
int ensemble_command(const std::vector<std::string>& arguments);
int figure_command(const std::vector<std::string>& arguments);
int kernel_command(const std::vector<std::string>& arguments);
int limit_command(const std::vector<std::string>& arguments);
int plan_command(const std::vector<std::string>& arguments);
int predict_command(const std::vector<std::string>& arguments);
int spectrum_command(const std::vector<std::string>& arguments);

}  // namespace ntape::tools
