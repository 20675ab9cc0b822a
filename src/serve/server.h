// t3 serve.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "serve/limits.h"

namespace t3::serve {

struct ServerOptions {
  std::string data;  // folder
  std::string host = "127.0.0.1";
  int port = 8080;    // 0: any free one
  std::string keys;   // file of API keys; empty: `keys` in the data folder
  std::string loras;  // folder; empty: none
  std::string model;  // its name for clients
  bool log_prompts = false;
  Limits limits;
  std::vector<nlohmann::ordered_json> workers;  // the first message to each (open_message.h)
};

// The keys file of a server with these options.
std::string KeysFile(const ServerOptions& options);

// Serves until SIGINT or SIGTERM, then saves the state of running jobs; a second signal ends it at
// once. Prints the address to stdout when it listens. Throws Error where it cannot begin.
void RunServer(const ServerOptions& options);

}  // namespace t3::serve
