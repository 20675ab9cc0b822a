// The first message to a worker: which model, on which machine.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "t3video/options.h"

namespace t3::serve {

// {"do": "open", "model": {OPTION: TEXT}, "loras": [{"path", "scale"}] or null: the model's own,
// "added_loras": likewise, "machine": {OPTION: TEXT}}; the server adds "scratch", the folder to
// work in.
nlohmann::ordered_json OpenMessage(const ModelFiles& files, const RunOptions& options);

struct OpenedModel {
  ModelFiles files;
  RunOptions options;
};
// Throws Error for a message that is not of that form.
OpenedModel ReadOpenMessage(const nlohmann::ordered_json& message);

std::vector<Lora> ReadLoras(const nlohmann::ordered_json& list);

// The LoRAs of a request: `added` follow the model's own, which are left out where it says so.
struct RequestLoras {
  bool own = true;
  std::vector<Lora> added;
  bool operator==(const RequestLoras&) const = default;
};
// The opened model's files with them. Without its own, neither the folder's LoRAs nor those of
// `lora` count; those of `add-lora` do, as on the command line.
ModelFiles FilesWith(const OpenedModel& opened, const RequestLoras& loras);

}  // namespace t3::serve
