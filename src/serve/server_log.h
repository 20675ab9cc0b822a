// The server's log: one JSON object a line on stderr.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace t3::serve {

// {"time": "2026-11-29T16:00:00.123Z", "level": level, "event": event, ...fields}, in one write. A
// log that cannot be written does not stop the server.
void Log(std::string_view level, std::string_view event,
         const nlohmann::ordered_json& fields = nlohmann::ordered_json::object());

// Sends the log to another descriptor than stderr's.
void LogTo(int descriptor);

// Messages of the library as events "message".
void SendLibraryLogHere();

}  // namespace t3::serve
