// Test support: what an action reports.
#pragma once

#include <string>

#include "t3video/error.h"

namespace t3 {

// The message of the Error that `action` throws; empty if it throws none.
template <typename Action>
std::string ErrorOf(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace t3
