#pragma once

#include <string>

namespace ntape::report {

/// What gnuplot writes to its standard output when it runs `script`, with the user's own settings ignored.
/// Nothing touches a disk. Throws GnuplotError, naming the Debian package, when there is no gnuplot, and with
/// gnuplot's own words when it fails; InternalError when the system has no file or process left.
[[nodiscard]] std::string run_gnuplot(const std::string& script);

}  // namespace ntape::report
