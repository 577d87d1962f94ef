#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ntape/report/figure.hpp>
#include <ntape/report/gnuplot.hpp>

extern char** environ;

namespace ntape::report {
namespace {

// A file without a name, in memory: it cannot fill up a pipe, nor a disk.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(memfd_create(name, MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw InternalError(std::string("no memory file: ") + std::strerror(errno));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  [[nodiscard]] int descriptor() const { return descriptor_; }

  void fill(const std::string& text) const {
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t count = ::write(descriptor_, text.data() + done, text.size() - done);
      if (count < 0 && errno != EINTR)
        throw InternalError(std::string("writing a memory file: ") + std::strerror(errno));
      if (count > 0) done += static_cast<std::size_t>(count);
    }
    lseek(descriptor_, 0, SEEK_SET);
  }

  [[nodiscard]] std::string text() const {
    std::string all;
    char block[1 << 14];
    lseek(descriptor_, 0, SEEK_SET);
    for (ssize_t count; (count = ::read(descriptor_, block, sizeof block)) > 0;)
      all.append(block, static_cast<std::size_t>(count));
    return all;
  }

 private:
  int descriptor_;
};

// gnuplot spreads one complaint over several lines: the last one says what is wrong.
std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (text.empty()) return "it said nothing";
  const std::size_t end = text.rfind('\n');
  return text.substr(text.find_first_not_of(' ', end == std::string::npos ? 0 : end + 1));
}

int spawn(pid_t& child, const MemoryFile& in, const MemoryFile& out, const MemoryFile& err) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err.descriptor(), STDERR_FILENO);
  // Whatever signals this program holds back or ignores, the child is to obey them.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string program = "gnuplot", defaults = "-d";
  char* const words[] = {program.data(), defaults.data(), nullptr};
  const int error = posix_spawnp(&child, "gnuplot", &files, &attributes, words, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

}  // namespace

std::string run_gnuplot(const std::string& script) {
  const MemoryFile in("gnuplot script"), out("gnuplot output"), err("gnuplot errors");
  in.fill(script);
  pid_t child = 0;
  const int error = spawn(child, in, out, err);
  if (error == ENOENT || error == EACCES)
    throw GnuplotError(
        "gnuplot, which draws the figures, is missing: install the Debian package gnuplot-nox");
  if (error != 0) throw InternalError(std::string("gnuplot cannot be started: ") + std::strerror(error));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) throw GnuplotError("gnuplot failed: " + last_line(err.text()));
  return out.text();
}

}  // namespace ntape::report
