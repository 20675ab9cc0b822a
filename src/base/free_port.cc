// Binds a socket to any port and lets go of it.
#include "base/free_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/file_descriptor.h"

namespace t3 {

int64_t FreePort() {
  const FileDescriptor descriptor(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  T3_CHECK(descriptor.get() >= 0 && ::bind(descriptor.get(), generic, length) == 0 &&
               ::getsockname(descriptor.get(), generic, &length) == 0,
           "no free port of the loopback interface: {}", std::strerror(errno));
  return ntohs(address.sin_port);
}

}  // namespace t3
