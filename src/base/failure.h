// Any exception as an Error in words.
#pragma once

#include "t3video/error.h"

namespace t3 {

// The exception that is being handled, to be called in a catch block: an Error as it is; exhausted
// memory, failing file systems and libraries' exceptions as an Error whose message is one line
// without a backtrace. Code that promises to survive a failure catches everything with this, since
// std::bad_alloc, filesystem_error and c10::Error are not Errors.
Error CurrentError();

}  // namespace t3
