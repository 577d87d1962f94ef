// What nearly every test reads, parsed once. A convenience of the build: each file includes what it uses, and
// `meson setup -Db_pch=false` builds the same.
#ifndef TESTS_PCH  // the compiler warns of #pragma once in what it precompiles
#define TESTS_PCH

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>
#include <string>
#include <vector>
#include <xtensor/xtensor.hpp>

#endif
