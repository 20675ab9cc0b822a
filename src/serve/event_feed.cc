// Events of a job.
#include "serve/event_feed.h"

#include <fmt/format.h>

#include <algorithm>

namespace t3::serve {
namespace {

std::string_view NameOf(EventKind kind) {
  constexpr std::array<std::string_view, 4> kNames{"video", "progress", "preview", "deleted"};
  return kNames.at(static_cast<size_t>(kind));
}

}  // namespace

void EventFeed::Publish(EventKind kind, std::string data) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    latest_.at(static_cast<size_t>(kind)) = {kind, ++number_, std::move(data)};
  }
  changed_.notify_all();
}

void EventFeed::End() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

std::vector<Event> EventFeed::Newer(int64_t seen) const {
  std::vector<Event> events;
  for (const Event& event : latest_)
    if (event.number > seen) events.push_back(event);
  std::ranges::sort(events, {}, &Event::number);
  return events;
}

std::vector<Event> EventFeed::Wait(int64_t seen, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return ended_ || number_ > seen; });
  return Newer(seen);
}

bool EventFeed::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

std::string EventText(const Event& event) {
  return fmt::format("event: {}\nid: {}\ndata: {}\n\n", NameOf(event.kind), event.number,
                     event.data);
}

}  // namespace t3::serve
