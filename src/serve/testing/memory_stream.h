// A connection in memory: the bytes of a request, and those of the reply.
#pragma once

#include <httplib.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace t3::serve {

class MemoryStream : public httplib::Stream {
 public:
  explicit MemoryStream(std::string request) : request_(std::move(request)) {}

  const std::string& reply() const { return reply_; }

  bool is_readable() const override { return read_ < request_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* data, size_t size) override {
    const size_t count = std::min(size, request_.size() - read_);
    std::memcpy(data, request_.data() + read_, count);
    read_ += count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* data, size_t size) override {
    reply_.append(data, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = "127.0.0.1";
    port = 1;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip = "127.0.0.1";
    port = 2;
  }
  socket_t socket() const override { return -1; }

 private:
  std::string request_;
  size_t read_ = 0;
  std::string reply_;
};

}  // namespace t3::serve
