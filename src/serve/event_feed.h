// What the event streams of one job are sent: the latest event of each kind, so that a slow client
// misses old ones and nothing grows.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace t3::serve {

enum class EventKind { kVideo, kProgress, kPreview, kDeleted };

struct Event {
  EventKind kind = EventKind::kVideo;
  int64_t number = 0;
  std::string data;  // one line of JSON
};

// For use from several threads.
class EventFeed {
 public:
  void Publish(EventKind kind, std::string data);
  // Nothing follows what was published.
  void End();

  // Events with numbers above `seen` in their order, waiting for one; empty after `timeout` and at
  // the end.
  std::vector<Event> Wait(int64_t seen, std::chrono::milliseconds timeout) const;
  bool ended() const;

 private:
  std::vector<Event> Newer(int64_t seen) const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::array<Event, 4> latest_;  // by kind; number 0: none yet
  int64_t number_ = 0;
  bool ended_ = false;
};

// One event in the form of server-sent events, ended by an empty line.
std::string EventText(const Event& event);

}  // namespace t3::serve
