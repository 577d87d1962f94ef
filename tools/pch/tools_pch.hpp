// As lib/pch: option parsers take longer to read than the commands that use them.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <xtensor/xtensor.hpp>
