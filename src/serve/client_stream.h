// The connection to one client, with limits on bytes and on time: a client that is slow, silent or
// does not stop sending loses its connection and takes nothing from others.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace t3::serve {

struct StreamLimits {
  int64_t head_bytes = 32 << 10;         // request line and headers
  std::chrono::seconds head_time{10};    // from their first byte to their last
  std::chrono::seconds idle_time{15};    // between requests of a connection
  std::chrono::seconds body_time{30};    // of a body, and then
  int64_t min_body_rate = 16 << 10;      // bytes a second
  std::chrono::seconds write_stall{30};  // without a byte that the client takes
};

// Owns the socket.
class ClientStream : public httplib::Stream {
 public:
  ClientStream(int socket, const StreamLimits& limits);
  ~ClientStream() override;
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  // Waits for the first byte of a request; false where none comes. The limits of a head hold then.
  bool WaitForRequest();
  // The head is read: the limits of a body of up to `max_bytes` hold.
  void BeginBody(int64_t max_bytes);
  // Ends the reply, and reads for a moment what the client still sends: a close with unread bytes
  // would take the reply from it.
  void Linger();
  // Whether the client has closed its side or the connection broke.
  bool IsGone() const;
  // Why the connection was dropped: "slow_head", "slow_body", "slow_reader", "too_large"; or empty.
  const std::string& dropped() const { return dropped_; }
  std::string remote() const;

  // httplib's interface.
  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool WaitFor(short events, Clock::time_point deadline) const;
  Clock::time_point Deadline() const;
  bool Fill();
  ssize_t Drop(const char* reason);

  int socket_;
  StreamLimits limits_;
  std::array<char, 16384> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool in_body_ = false;
  int64_t bytes_ = 0;  // of the head or the body so far
  int64_t max_bytes_ = 0;
  Clock::time_point began_;
  std::string dropped_;
};

}  // namespace t3::serve
