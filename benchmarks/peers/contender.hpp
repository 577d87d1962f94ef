#pragma once

// What a contender's program says and is told, line by line (README.md): so that one driver takes turns
// between programs that are all ready and warm.

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>

namespace contender {

struct Work {
  std::function<double(long)> seconds;                 ///< of doing it that often, in a row
  std::function<void(const std::string&, bool)> save;  ///< its result, in double if true, as .npy
};

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Of this program alone: getrusage's ru_maxrss begins with the parent's.
inline double peak_mib() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

/// `facts` is a JSON object, said when the program is ready.
inline void serve(const Work& work, const std::string& facts) {
  std::cout << facts << std::endl;
  for (std::string command; std::cin >> command;) {
    if (command == "time") {
      long times = 0;
      std::cin >> times;
      std::printf("%.9g\n", work.seconds(times));
    } else if (command == "memory") {
      std::printf("%.1f\n", peak_mib());
    } else if (command == "save") {
      std::string file, precision;
      std::cin >> file >> precision;
      work.save(file, precision == "f64");
      std::printf("0\n");
    } else {
      std::fprintf(stderr, "unknown command '%s'\n", command.c_str());
      std::exit(2);
    }
    std::fflush(stdout);
  }
}

}  // namespace contender
