// Streams of events.
#include <chrono>
#include <memory>

#include "serve/api_error.h"
#include "serve/client_stream.h"
#include "serve/ids.h"
#include "serve/service.h"

namespace t3::serve {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kKeepAlive{15};
// After which a client that has gone is noticed.
constexpr std::chrono::milliseconds kWait{1000};
// No events are sent closer to each other.
constexpr std::chrono::milliseconds kInterval{50};

class EventStream {
 public:
  EventStream(Service& service, std::shared_ptr<const EventFeed> feed, const ClientStream* client)
      : service_(service), feed_(std::move(feed)), client_(client), sent_(Clock::now()) {
    service_.metrics.Set("t3_event_streams", {}, static_cast<double>(++service_.streams));
  }
  ~EventStream() {
    const auto streams = static_cast<double>(--service_.streams);
    try {
      service_.metrics.Set("t3_event_streams", {}, streams);
    } catch (...) {
      // No memory: the next stream sets it.
    }
  }
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  // Waits for events and sends them; false where the client has gone.
  bool SendSome(httplib::DataSink& sink) {
    if (client_ != nullptr && client_->IsGone()) return false;
    const std::vector<Event> events = feed_->Wait(seen_, kWait);
    std::string text;
    for (const Event& event : events) {
      text += EventText(event);
      seen_ = event.number;
    }
    if (events.empty() && feed_->ended()) {
      sink.done();
      return true;
    }
    if (events.empty() && Clock::now() - sent_ > kKeepAlive) text = ": still here\n\n";
    if (text.empty()) return true;
    sent_ = Clock::now();
    const bool good = sink.write(text.data(), text.size());
    std::this_thread::sleep_for(kInterval);
    return good;
  }

 private:
  Service& service_;
  std::shared_ptr<const EventFeed> feed_;
  const ClientStream* client_;
  int64_t seen_ = 0;
  Clock::time_point sent_;
};

void SendEvents(Service& service, Exchange& exchange) {
  // The other half of the connections remains for requests.
  if (service.streams >= service.limits.max_connections / 2) {
    throw ApiError(503, "too_many_connections", "too many event streams are open").RetryAfter(10);
  }
  std::shared_ptr<const EventFeed> feed;
  if (IsVideoId(exchange.parameter)) feed = service.jobs.Watch(exchange.key, exchange.parameter);
  if (!feed) throw ApiError(404, "video_not_found", "there is no such video");
  exchange.response.set_header("X-Accel-Buffering", "no");  // nginx
  const auto stream = std::make_shared<EventStream>(service, feed, exchange.client);
  exchange.response.status = 200;
  exchange.response.set_chunked_content_provider(
      "text/event-stream",
      [stream](size_t, httplib::DataSink& sink) { return stream->SendSome(sink); });
}

}  // namespace

void AddEventsRoute(Service& service, std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/videos/{id}/events", false, false,
                    [&](Exchange& exchange) { SendEvents(service, exchange); }});
}

}  // namespace t3::serve
