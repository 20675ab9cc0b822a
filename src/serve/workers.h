// All workers, and plans of what clients want.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "serve/fields.h"
#include "serve/worker_slot.h"

namespace t3::serve {

// For use from several threads.
class Workers {
 public:
  Workers(const std::vector<WorkerSettings>& settings, const JobFiles& files, Jobs& jobs,
          Metrics& metrics);

  // What the first worker that is ready says of the model; null where none is.
  nlohmann::ordered_json Ready() const;
  // Why a worker could not start at all; empty: none failed so.
  std::string StartFailure() const;
  // The plan of a request, with or without a source video; `loras` as ChooseLoras gives them.
  // Throws ApiError for what cannot be made (400) and where no worker answers (503).
  nlohmann::ordered_json Plan(const FieldValues& values, const nlohmann::ordered_json& loras,
                              bool with_video);
  void Stop();
  int64_t size() const { return std::ssize(slots_); }

 private:
  nlohmann::ordered_json Ask(const nlohmann::ordered_json& message);

  std::vector<std::unique_ptr<WorkerSlot>> slots_;
  std::mutex mutex_;
  std::map<std::string, nlohmann::ordered_json> answers_;  // by message: clients repeat themselves
};

}  // namespace t3::serve
