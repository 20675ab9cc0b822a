// Inputs that the model does not take; memory that the server does not have.
#include "serve/plan_refusal.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/text.h"
#include "serve/api_error.h"

namespace t3::serve {

using nlohmann::ordered_json;

void RefuseInput(const ordered_json& ready, const std::string& input, const char* field) {
  if (input != "image" || ready.is_null() || ready.at("image_to_video") != false) return;
  throw ApiError(400, "cannot_be_made", "this server's model does not make videos from pictures",
                 field);
}

void RefuseWhatDoesNotFit(const ordered_json& plan) {
  const ordered_json& memory = plan.at("memory");
  if (memory.at("fits").get<bool>()) return;
  const auto bytes = [&](const char* name) { return memory.at(name).get<int64_t>(); };
  const int64_t budget = bytes("budget_bytes");
  const bool device = budget > 0 && bytes("peak_bytes") > budget;
  const int64_t needed = device ? bytes("peak_bytes") : bytes("host_bytes");
  const int64_t there = device ? budget : bytes("host_budget_bytes");
  const bool on_gpu = plan.at("device").get<std::string>() != "cpu";
  const bool distinct = FormatBytes(needed) != FormatBytes(there);  // else rounding hides it
  throw ApiError(400, "cannot_be_made",
                 fmt::format("{} with {} needs {} of {} memory, and the server has {}; a smaller "
                             "`size` or fewer `num_frames` may fit",
                             plan.at("size").get<std::string>(),
                             Counted(plan.at("num_frames").get<int64_t>(), "frame"),
                             distinct ? FormatBytes(needed) : fmt::format("{} bytes", needed),
                             device && on_gpu ? "GPU" : "host",
                             distinct ? FormatBytes(there) : fmt::format("{} bytes", there)),
                 "size");
}

}  // namespace t3::serve
