#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace ntape::test {

/// How a program ended: its exit code, or 128 + the signal that killed it, what it wrote, and, of a
/// measured_run, the most memory that was resident.
struct Outcome {
  int code = -1;
  std::string out, err;
  double peak_bytes = 0;
};

struct Surroundings {
  std::filesystem::path folder = {};                    ///< where it runs; empty: here
  std::map<std::string, std::string> environment = {};  ///< on top of our own
  std::string out_file = {};  ///< its standard output goes there; empty: to Outcome::out
};

/// A child process. Its output goes to memory, so it never blocks on us.
class Child {
 public:
  explicit Child(std::vector<std::string> words, const Surroundings& where = {})
      : out_(memfd_create("out", MFD_CLOEXEC)), err_(memfd_create("err", MFD_CLOEXEC)) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (where.out_file.empty())
      posix_spawn_file_actions_adddup2(&files, out_, STDOUT_FILENO);
    else
      posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, where.out_file.c_str(), O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, err_, STDERR_FILENO);
    if (!where.folder.empty()) posix_spawn_file_actions_addchdir_np(&files, where.folder.c_str());
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      if (!where.environment.contains(text.substr(0, text.find('=')))) environment.push_back(text);
    }
    for (const auto& [name, value] : where.environment) environment.push_back(name + "=" + value);
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> result;
      for (std::string& text : texts) result.push_back(text.data());
      result.push_back(nullptr);
      return result;
    };
    // Signals as a terminal leaves them: tests may have been started by nohup, which ignores SIGHUP.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGPIPE}) sigaddset(&signals, signal);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const int error = posix_spawnp(&pid_, words.front().c_str(), &files, &attributes, pointers(words).data(),
                                   pointers(environment).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) throw std::runtime_error("cannot start " + words.front());
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ != 0) {
      ::kill(pid_, SIGKILL);
      (void)wait();
    }
    close(out_);
    close(err_);
  }

  void kill(int signal) const { ::kill(pid_, signal); }

  [[nodiscard]] Outcome wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return {code, text(out_), text(err_)};
  }

 private:
  // By pread: the descriptor shares its position with the child.
  static std::string text(int descriptor) {
    std::string all;
    char block[1 << 14];
    for (ssize_t count; (count = pread(descriptor, block, sizeof block, static_cast<off_t>(all.size()))) > 0;)
      all.append(block, static_cast<std::size_t>(count));
    return all;
  }

  int out_, err_;
  pid_t pid_ = 0;
};

inline Outcome run_command(std::vector<std::string> words, const Surroundings& where = {}) {
  return Child(std::move(words), where).wait();
}

/// The kernel counts the memory of whoever starts a program as the program's own, and test programs are
/// large: a small one in between, Python, which meson needs anyway, starts it and says what it took.
inline Outcome measured_run(std::vector<std::string> words, const Surroundings& where = {}) {
  const std::string mark = "peak KiB: ";
  const std::string starter =
      "import resource, subprocess, sys\n"
      "code = subprocess.run(sys.argv[1:]).returncode\n"
      "print('" +
      mark +
      "', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, sep='', file=sys.stderr)\n"
      "sys.exit(code if code >= 0 else 128 - code)";
  words.insert(words.begin(), {"python3", "-c", starter});
  Outcome outcome = run_command(std::move(words), where);
  const std::size_t at = outcome.err.rfind(mark);
  if (at == std::string::npos) throw std::runtime_error("no peak is told: " + outcome.err);
  outcome.peak_bytes = 1024 * std::stod(outcome.err.substr(at + mark.size()));
  outcome.err.erase(at);
  return outcome;
}

/// The ntape binary that was built beside the tests (environment NTAPE_BIN), with these arguments.
inline std::vector<std::string> tool(std::vector<std::string> arguments) {
  const char* const program = std::getenv("NTAPE_BIN");
  if (program == nullptr) throw std::runtime_error("NTAPE_BIN does not name the ntape binary");
  arguments.insert(arguments.begin(), program);
  return arguments;
}

/// The same for the words of a line, at its spaces.
inline std::vector<std::string> tool_line(const std::string& line) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t end = std::min(line.find(' ', begin), line.size());
    if (end > begin) words.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return tool(words);
}

/// Surroundings without gnuplot: a run is quicker without its figures.
inline Surroundings without_gnuplot(const std::filesystem::path& folder) {
  return {.folder = folder, .environment = {{"PATH", "/nowhere"}}};
}

/// The names in a folder, hidden ones too, in order, separated by spaces.
inline std::string listing(const std::filesystem::path& folder) {
  std::map<std::string, int> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names[entry.path().filename()] = 0;
  std::string text;
  for (const auto& [name, unused] : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

}  // namespace ntape::test
