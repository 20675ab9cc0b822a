// Sockets and connections: a thread for each connection up to a limit, cpp-httplib for the
// protocol.
#pragma once

#include <httplib.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/file_descriptor.h"
#include "serve/client_stream.h"
#include "serve/dispatcher.h"

namespace t3::serve {

struct HttpSettings {
  std::string host = "127.0.0.1";
  int port = 8080;  // 0: any free one
  int64_t max_connections = 512;
  int64_t max_body = 0;  // bytes
  StreamLimits stream;
};

class HttpServer : private httplib::Server {
 public:
  HttpServer(const HttpSettings& settings, const Dispatcher& dispatcher, Metrics& metrics);
  // Stops.
  ~HttpServer() override;

  // Binds and begins to accept. Throws Error that says what is wrong with the address.
  void Start();
  int port() const { return port_; }
  // Accepts nothing more, ends connections and waits for their threads.
  void Stop();

  // Serves the requests of one connection until it ends.
  void Serve(ClientStream& stream);
  // Serves one request from any stream, without limits: for tests.
  void ServeOne(httplib::Stream& stream);

 private:
  void Accept();
  void Connect(int socket);
  void RunConnection(int socket);
  bool Process(httplib::Stream& stream, ClientStream* client, bool last);
  void Refuse(int socket);

  HttpSettings settings_;
  const Dispatcher& dispatcher_;
  Metrics& metrics_;
  int port_ = 0;
  FileDescriptor listener_;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
  std::mutex mutex_;
  std::condition_variable closed_;
  std::set<int> sockets_;  // of open connections
  int64_t threads_ = 0;
};

}  // namespace t3::serve
