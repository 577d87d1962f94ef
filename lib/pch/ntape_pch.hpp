// What nearly every source of the library reads, parsed once. A convenience of the build: each file includes
// what it uses, and `meson setup -Db_pch=false` builds the same.
#ifndef NTAPE_PCH  // the compiler warns of #pragma once in what it precompiles
#define NTAPE_PCH

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>
#include <xtensor/xtensor.hpp>

#endif
