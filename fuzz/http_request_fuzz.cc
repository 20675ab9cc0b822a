// libFuzzer target: requests of `t3 serve`, from their first byte to the reply: heads, routes,
// JSON, forms and their fields.
#include <fcntl.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "serve/server_log.h"
#include "serve/testing/test_server.h"

namespace {

// One server for all inputs, without its log.
t3::serve::TestServer& Server() {
  static t3::serve::TestServer server;
  static const bool quiet = [] {
    t3::serve::LogTo(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    return true;
  }();
  static_cast<void>(quiet);
  return server;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string request(reinterpret_cast<const char*>(data), size);
  const std::string reply = Server().Send(request);
  // An internal error is a finding; a request that does not end may have no reply.
  if (std::string_view(reply).starts_with("HTTP/1.1 500")) std::abort();
  if (!reply.empty() && !std::string_view(reply).starts_with("HTTP/1.1 ")) std::abort();
  return 0;
}
