// What is known of a running job beyond what is stored.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace t3::serve {

// clang-tidy sees an assertion in the move constructor of json, which is noexcept.
// NOLINTNEXTLINE(bugprone-exception-escape)
struct LiveState {
  nlohmann::ordered_json stage;  // data of the last event `progress`; null: none yet
  std::optional<double> seconds_left;
  bool has_preview = false;
  int64_t queue_position = 0;  // 0: it does not wait
};

}  // namespace t3::serve
