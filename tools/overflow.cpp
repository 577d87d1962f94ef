#include "overflow.hpp"

namespace ntape::tools {
UserError overflow(const std::string& what, const std::string& advice) {
  return UserError("the " + what +
                   " overflowed to a value that is not finite; smaller inputs or scales are needed" + advice);
}

}  // namespace ntape::tools
