// Sets up the logger.
#include "base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <mutex>

namespace t3 {
namespace {

class FunctionSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  using Function = std::function<void(const std::string&, const std::string&)>;
  explicit FunctionSink(Function function) : function_(std::move(function)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const auto level = spdlog::level::to_string_view(message.level);
    function_({level.data(), level.size()}, {message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

 private:
  Function function_;
};

}  // namespace

void SetUpLogging(bool verbose) {
  auto logger =
      std::make_shared<spdlog::logger>("t3", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("t3: %l: %v");
  logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void SendLogTo(std::function<void(const std::string& level, const std::string& text)> sink) {
  const auto level = spdlog::default_logger()->level();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("t3", std::make_shared<FunctionSink>(std::move(sink))));
  spdlog::default_logger()->set_level(level);
}

}  // namespace t3
