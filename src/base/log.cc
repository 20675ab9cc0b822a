// Logger set-up.
#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>

namespace t3 {

void SetUpLogging(bool verbose) {
  auto logger =
      std::make_shared<spdlog::logger>("t3", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("t3: %l: %v");
  logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace t3
