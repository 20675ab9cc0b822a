// Starting a program as a child process.
#pragma once

#include <sys/types.h>

#include <array>
#include <string>
#include <vector>

namespace t3 {

struct SpawnRequest {
  std::string program;
  std::vector<std::string> arguments;    // the first is the program's name
  std::vector<std::string> environment;  // "NAME=value"
  std::array<int, 3> streams;            // its descriptors 0 to 2
  bool own_group = false;                // a terminal's signals go to this process alone
};

// The child's id. The kernel kills it when the thread that called this ends. It blocks no signals.
// Throws Error where it cannot be started; a program that cannot be run ends with status 127.
pid_t Spawn(const SpawnRequest& request);

// The environment of this process.
std::vector<std::string> OwnEnvironment();

}  // namespace t3
