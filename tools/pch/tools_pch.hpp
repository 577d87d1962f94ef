// As lib/pch: option parsers take longer to read than the commands that use them.
#ifndef TOOLS_PCH  // the compiler warns of #pragma once in what it precompiles
#define TOOLS_PCH

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <xtensor/xtensor.hpp>

#endif
