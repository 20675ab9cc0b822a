// One job in a worker: from its message to its files.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "serve/open_message.h"
#include "t3video/cancel.h"
#include "t3video/engine.h"

namespace t3::serve {

// Sends a message to the server.
using SendFn = std::function<void(const nlohmann::ordered_json&)>;

// The engine of the last job, which the next one uses where it has the same LoRAs.
class EngineHolder {
 public:
  explicit EngineHolder(OpenedModel opened) : opened_(std::move(opened)) {}
  const OpenedModel& opened() const { return opened_; }
  Engine& With(const RequestLoras& loras);

 private:
  OpenedModel opened_;
  RequestLoras loras_;
  std::unique_ptr<Engine> engine_;
};

// Runs the job of a message {"do": "run", ...} and sends what happens, at last one of "completed",
// "failed" and "stopped". A state that an earlier worker left is continued. Returns false where the
// device is no longer of use and the process has to be replaced.
bool RunJob(const nlohmann::ordered_json& message, EngineHolder& engines, const CancelToken& cancel,
            const SendFn& send);

}  // namespace t3::serve
