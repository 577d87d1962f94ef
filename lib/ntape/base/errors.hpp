#pragma once

#include <stdexcept>
#include <string>

namespace ntape {

/// A mistake of the caller: bad input, impossible request. The message is one sentence that names what
/// was given and what is needed. The command-line tool prints it and exits with 2.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes that do not fit together; thrown before any arithmetic. Names the operation and the shapes.
class ShapeError : public UserError {
 public:
  using UserError::UserError;
};

/// A fault inside ntape: an invariant that does not hold. The command-line tool exits with 1.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace ntape
