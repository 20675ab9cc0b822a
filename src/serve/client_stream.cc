// Reading from and writing to a client within limits.
#include "serve/client_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace t3::serve {
namespace {

void ReadAddress(const sockaddr_storage& address, std::string& ip, int& port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof(in));
    ip = ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
    port = ntohs(in.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof(in));
    ip = ::inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
    port = ntohs(in.sin6_port);
  }
}

}  // namespace

ClientStream::ClientStream(int socket, const StreamLimits& limits)
    : socket_(socket), limits_(limits), buffer_(), began_(Clock::now()) {}

ClientStream::~ClientStream() {
  ::shutdown(socket_, SHUT_RDWR);
  ::close(socket_);
}

bool ClientStream::WaitFor(short events, Clock::time_point deadline) const {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd poll{socket_, events, 0};
    const int ready = ::poll(&poll, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool ClientStream::WaitForRequest() {
  in_body_ = false;
  bytes_ = 0;
  max_bytes_ = limits_.head_bytes;
  const bool ready = begin_ < end_ || WaitFor(POLLIN, Clock::now() + limits_.idle_time);
  began_ = Clock::now();
  return ready;
}

void ClientStream::BeginBody(int64_t max_bytes) {
  in_body_ = true;
  bytes_ = 0;
  max_bytes_ = max_bytes;
  began_ = Clock::now();
}

ClientStream::Clock::time_point ClientStream::Deadline() const {
  if (!in_body_) return began_ + limits_.head_time;
  return began_ + limits_.body_time + std::chrono::seconds(bytes_ / limits_.min_body_rate);
}

ssize_t ClientStream::Drop(const char* reason) {
  if (dropped_.empty()) dropped_ = reason;
  return -1;
}

// Waits for bytes; false at the end of the connection.
bool ClientStream::Fill() {
  if (!dropped_.empty()) return false;
  const Clock::time_point deadline = Deadline();
  if (Clock::now() >= deadline || !WaitFor(POLLIN, deadline)) {
    Drop(in_body_ ? "slow_body" : "slow_head");
    return false;
  }
  ssize_t count = 0;
  do {
    count = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
  } while (count < 0 && errno == EINTR);
  begin_ = 0;
  end_ = static_cast<size_t>(std::max<ssize_t>(count, 0));
  return end_ > 0;
}

ssize_t ClientStream::read(char* data, size_t size) {
  if (bytes_ >= max_bytes_) return Drop("too_large");
  if (begin_ == end_ && !Fill()) return dropped_.empty() ? 0 : -1;
  const size_t count = std::min(size, end_ - begin_);
  std::memcpy(data, buffer_.data() + begin_, count);
  begin_ += count;
  bytes_ += static_cast<int64_t>(count);
  return static_cast<ssize_t>(count);
}

ssize_t ClientStream::write(const char* data, size_t size) {
  if (!WaitFor(POLLOUT, Clock::now() + limits_.write_stall)) return Drop("slow_reader");
  ssize_t count = 0;
  do {
    count = ::send(socket_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return write(data, size);
  return count;
}

void ClientStream::Linger() {
  ::shutdown(socket_, SHUT_WR);
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(1);
  while (Clock::now() < deadline && WaitFor(POLLIN, deadline))
    if (::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT) <= 0) return;
}

bool ClientStream::is_readable() const { return begin_ < end_ || WaitFor(POLLIN, Clock::now()); }

// A client may close its side after the request and still read.
bool ClientStream::is_writable() const {
  pollfd poll{socket_, 0, 0};
  return dropped_.empty() && ::poll(&poll, 1, 0) == 0;
}

bool ClientStream::IsGone() const {
  pollfd poll{socket_, POLLRDHUP, 0};
  return ::poll(&poll, 1, 0) > 0;
}

std::string ClientStream::remote() const {
  std::string ip;
  int port = 0;
  get_remote_ip_and_port(ip, port);
  return ip;
}

void ClientStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (::getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0)
    ReadAddress(address, ip, port);
}

void ClientStream::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0)
    ReadAddress(address, ip, port);
}

}  // namespace t3::serve
