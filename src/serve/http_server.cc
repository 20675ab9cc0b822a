// Accepting connections.
#include "serve/http_server.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "base/check.h"
#include "serve/ids.h"
#include "serve/server_log.h"

namespace t3::serve {
namespace {

constexpr int kBacklog = 1024;
// Requests of one connection; a proxy keeps connections for many.
constexpr int kMaxRequests = 1000;

// The connection of this thread, for the callbacks of the HTTP library.
thread_local Connection* current = nullptr;

FileDescriptor Listen(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int result = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (result != 0) FailUsage("`host` {}: {}", host, ::gai_strerror(result));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  int reason = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    FileDescriptor listener(
        ::socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol));
    const int on = 1;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (::bind(listener.get(), address->ai_addr, address->ai_addrlen) == 0 &&
        ::listen(listener.get(), kBacklog) == 0)
      return listener;
    reason = errno;
  }
  Fail("{}:{} cannot be listened on: {}; choose another `port`", host, port, std::strerror(reason));
}

int PortOf(int listener) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  std::array<char, 16> port{};
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  ::getnameinfo(reinterpret_cast<sockaddr*>(&address), length, nullptr, 0, port.data(), port.size(),
                NI_NUMERICSERV);
  return std::atoi(port.data());
}

// Ranges are read by the route (byte_range.h). A connection whose body was not read whole, or is
// not understood in the same way by a proxy, must not carry another request.
void Settle(httplib::Request& request) {
  request.ranges.clear();
  request.headers.erase("Accept-Encoding");
  const bool plain =
      request.method == "GET" || request.method == "HEAD" || request.method == "DELETE";
  const bool has_body =
      request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
  if (plain && !has_body) return;
  request.headers.erase("Connection");
  request.headers.emplace("Connection", "close");
}

}  // namespace

HttpServer::HttpServer(const HttpSettings& settings, const Dispatcher& dispatcher, Metrics& metrics)
    : settings_(settings), dispatcher_(dispatcher), metrics_(metrics) {
  svr_sock_ = 0;  // what httplib's loops ask whether to go on: any but INVALID_SOCKET
  set_default_headers(SecurityHeaders());
  set_payload_max_length(static_cast<size_t>(settings.max_body));
  set_keep_alive_max_count(kMaxRequests);
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    return dispatcher_.Handle(*current, request, response) ? HandlerResponse::Handled
                                                           : HandlerResponse::Unhandled;
  });
  Post(".*", [this](const httplib::Request& request, httplib::Response& response,
                    const httplib::ContentReader& body) {
    dispatcher_.HandleBody(*current, request, response, body);
  });
  set_error_handler([this](const httplib::Request&, httplib::Response& response) {
    dispatcher_.FillError(*current, response);
  });
  set_logger([this](const httplib::Request& request, const httplib::Response& response) {
    dispatcher_.Finished(*current, request, response);
  });
}

HttpServer::~HttpServer() { Stop(); }

void HttpServer::Start() {
  listener_ = Listen(settings_.host, settings_.port);
  port_ = PortOf(listener_.get());
  acceptor_ = std::thread([this] { Accept(); });
}

void HttpServer::Accept() {
  while (!stopping_) {
    pollfd poll{listener_.get(), POLLIN, 0};
    if (::poll(&poll, 1, 200) <= 0) continue;
    const int socket = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
      // Without descriptors the connection stays in the queue of the system.
      if (errno == EMFILE || errno == ENFILE)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    Connect(socket);
  }
}

void HttpServer::Connect(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  {
    const std::lock_guard lock(mutex_);
    if (std::ssize(sockets_) >= settings_.max_connections) return Refuse(socket);
    sockets_.insert(socket);
    ++threads_;
    metrics_.Set("t3_http_connections", {}, static_cast<double>(sockets_.size()));
  }
  try {
    std::thread([this, socket] { RunConnection(socket); }).detach();
  } catch (const std::system_error&) {  // no more threads
    {
      const std::lock_guard lock(mutex_);
      sockets_.erase(socket);
      --threads_;
    }
    Refuse(socket);
  }
}

void HttpServer::RunConnection(int socket) {
  {
    ClientStream stream(socket, settings_.stream);
    Serve(stream);
    // Before the number of the socket can be that of another connection.
    const std::lock_guard lock(mutex_);
    sockets_.erase(socket);
    metrics_.Set("t3_http_connections", {}, static_cast<double>(sockets_.size()));
  }
  const std::lock_guard lock(mutex_);
  --threads_;
  closed_.notify_all();
}

void HttpServer::Refuse(int socket) {
  constexpr std::string_view kBody =
      R"({"error":{"message":"the server has too many connections","type":"server_error",)"
      R"("param":null,"code":"too_many_connections"}})";
  const std::string reply = fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\nRetry-After: 5\r\nConnection: close\r\n\r\n{}",
      kBody.size(), kBody);
  [[maybe_unused]] const ssize_t sent =
      ::send(socket, reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(socket, SHUT_WR);
  ::close(socket);
  metrics_.Add("t3_http_connections_refused_total");
}

bool HttpServer::Process(httplib::Stream& stream, ClientStream* client, bool last) {
  Connection connection;
  connection.client = client;
  connection.request_id = RandomHex(8);
  connection.began = std::chrono::steady_clock::now();
  if (client != nullptr) connection.remote = client->remote();
  current = &connection;
  bool closed = false;
  const bool good = process_request(stream, last, closed, [&](httplib::Request& request) {
    Settle(request);
    if (request.has_header("Connection") && request.get_header_value("Connection") == "close")
      closed = true;
    if (client != nullptr) client->BeginBody(settings_.max_body);
  });
  current = nullptr;
  return good && !closed && connection.routed;
}

void HttpServer::Serve(ClientStream& stream) {
  for (int count = 1; count <= kMaxRequests && !stopping_; ++count) {
    if (!stream.WaitForRequest()) break;
    if (!Process(stream, &stream, count == kMaxRequests)) break;
  }
  stream.Linger();
  if (stream.dropped().empty()) return;
  metrics_.Add("t3_http_connections_dropped_total", {{"reason", stream.dropped()}});
  Log("warning", "connection_dropped", {{"remote", stream.remote()}, {"reason", stream.dropped()}});
}

void HttpServer::ServeOne(httplib::Stream& stream) { Process(stream, nullptr, true); }

void HttpServer::Stop() {
  stopping_ = true;
  svr_sock_ = INVALID_SOCKET;
  if (acceptor_.joinable()) acceptor_.join();
  listener_ = FileDescriptor();
  std::unique_lock lock(mutex_);
  for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  closed_.wait(lock, [&] { return threads_ == 0; });
}

}  // namespace t3::serve
