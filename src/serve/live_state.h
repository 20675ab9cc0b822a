// What is known of a running job beyond what is stored.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace t3::serve {

struct LiveState {
  nlohmann::ordered_json stage = nullptr;  // data of the last event `progress`; null: none yet
  std::optional<double> seconds_left;
  bool has_preview = false;
  int64_t queue_position = 0;  // 0: it does not wait
};

}  // namespace t3::serve
