// Ranges, events, metrics, uploads and connections.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/check.h"
#include "base/read_text.h"
#include "serve/api_error.h"
#include "serve/byte_range.h"
#include "serve/client_stream.h"
#include "serve/event_feed.h"
#include "serve/metrics.h"
#include "serve/testing/temporary_folder.h"
#include "serve/uploads.h"

namespace t3::serve {
namespace {

using std::chrono::milliseconds;

// "FIRST+LENGTH", "whole" or "none".
std::string RangeOf(const std::string& header, int64_t size = 100) {
  const ByteRange range = ParseRange(header, size);
  if (range.kind == ByteRange::Kind::kWhole) return "whole";
  if (range.kind == ByteRange::Kind::kUnsatisfiable) return "none";
  return std::to_string(range.first) + "+" + std::to_string(range.length);
}

TEST(ByteRange, IsOnePartOfTheFile) {
  EXPECT_EQ(RangeOf("bytes=0-9"), "0+10");
  EXPECT_EQ(RangeOf("bytes=90-"), "90+10");
  EXPECT_EQ(RangeOf("bytes=-10"), "90+10");
  EXPECT_EQ(RangeOf("bytes=-1000"), "0+100");
  EXPECT_EQ(RangeOf("bytes=50-1000"), "50+50");
  EXPECT_EQ(RangeOf("bytes=99-99"), "99+1");
  EXPECT_EQ(RangeOf("bytes=100-"), "none");
  EXPECT_EQ(RangeOf("bytes=-0"), "none");
  EXPECT_EQ(RangeOf("bytes=0-0", 0), "none");
  for (const char* header : {"", "bytes=", "bytes=-", "bytes=a-b", "bytes=9-1", "bytes=0-1,3-4",
                             "items=0-1", "bytes=--1", "bytes=-9999999999999999999999",
                             "bytes=99999999999999999999-", "bytes=+1-2", "bytes= 1-2"})
    EXPECT_EQ(RangeOf(header), "whole") << header;
}

TEST(EventFeed, KeepsTheLatestOfEachKind) {
  EventFeed feed;
  feed.Publish(EventKind::kVideo, "1");
  feed.Publish(EventKind::kProgress, "2");
  feed.Publish(EventKind::kPreview, "3");
  feed.Publish(EventKind::kProgress, "4");
  const std::vector<Event> events = feed.Wait(0, milliseconds(0));
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].data + events[1].data + events[2].data, "134");
  EXPECT_TRUE(feed.Wait(events.back().number, milliseconds(1)).empty());
  feed.End();
  feed.Publish(EventKind::kProgress, "5");
  EXPECT_TRUE(feed.ended());
  EXPECT_TRUE(feed.Wait(events.back().number, milliseconds(0)).empty());
  EXPECT_EQ(EventText(events[0]), "event: video\nid: 1\ndata: 1\n\n");
}

TEST(EventFeed, WakesThoseThatWait) {
  EventFeed feed;
  std::thread publisher([&] {
    std::this_thread::sleep_for(milliseconds(20));
    feed.Publish(EventKind::kDeleted, "{}");
  });
  EXPECT_EQ(feed.Wait(0, milliseconds(5000)).size(), 1U);
  publisher.join();
}

TEST(Metrics, HaveTheTextFormat) {
  Metrics metrics;
  metrics.Add("t3_http_requests_total", {{"route", "a\"\\\n"}, {"code", "200"}}, 2);
  metrics.Set("t3_event_streams", {}, 3);
  metrics.Observe("t3_job_wait_seconds", {}, 0.2);
  metrics.Observe("t3_job_wait_seconds", {}, 99999);
  const std::string text = metrics.Text();
  for (const char* line :
       {"# TYPE t3_http_requests_total counter\n",
        "t3_http_requests_total{route=\"a\\\"\\\\\\n\",code=\"200\"} 2\n", "t3_event_streams 3\n",
        "t3_job_wait_seconds_bucket{le=\"0.1\"} 0\n", "t3_job_wait_seconds_bucket{le=\"0.25\"} 1\n",
        "t3_job_wait_seconds_bucket{le=\"+Inf\"} 2\n", "t3_job_wait_seconds_count 2\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  EXPECT_THROW(metrics.Add("t3_unknown_total"), Error);
  EXPECT_THROW(metrics.Add("t3_event_streams"), Error);  // another kind
}

TEST(Metrics, AreDocumented) {
  const std::string page = ReadText(std::string(T3_SOURCE_DIR) + "/docs/reference/http.md");
  for (const MetricFamily& family : MetricFamilies())
    EXPECT_NE(page.find("`" + std::string(family.name) + "`"), std::string::npos) << family.name;
}

TEST(Uploads, AreRecognisedByTheirFirstBytes) {
  EXPECT_EQ(SniffMedia(std::string_view("\x89PNG\r\n\x1a\n....", 12))->extension, ".png");
  EXPECT_EQ(SniffMedia("\xff\xd8\xff\xe0")->kind, "image");
  EXPECT_EQ(SniffMedia("RIFF....WEBPVP8 ")->extension, ".webp");
  EXPECT_EQ(SniffMedia("RIFF....AVI LIST")->extension, ".avi");
  EXPECT_EQ(SniffMedia(std::string_view("\0\0\0\x20"
                                        "ftypisom",
                                        12))
                ->kind,
            "video");
  for (const char* text : {"", "GET / HTTP", "#!/bin/sh", "RIFF....WAVE", "<svg>", "%PDF-1.4"})
    EXPECT_FALSE(SniffMedia(text).has_value()) << text;
}

TEST(Uploads, AreLimitedAndRemoved) {
  const TemporaryFolder folder;
  {
    Upload upload(folder.path(), 10);
    upload.Append("GIF89a");
    EXPECT_EQ(upload.Kind().kind, "video");
    EXPECT_THROW(upload.Append("12345"), ApiError);
    Upload empty(folder.path(), 10);
    EXPECT_THROW(empty.Kind(), ApiError);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  Upload moved(folder.path(), 10);
  moved.Append("GIF89a");
  moved.MoveTo(folder.path() + "/input.gif");
  EXPECT_EQ(ReadText(folder.path() + "/input.gif"), "GIF89a");
}

// Two ends of a connection.
struct Ends {
  Ends() {
    std::array<int, 2> sockets{};
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data());
    server = sockets[0];
    client = sockets[1];
  }
  ~Ends() { ::close(client); }
  int server = -1;
  int client = -1;
};

StreamLimits Fast() {
  StreamLimits limits;
  limits.head_bytes = 100;
  limits.head_time = std::chrono::seconds(1);
  limits.idle_time = std::chrono::seconds(0);
  limits.body_time = std::chrono::seconds(0);
  limits.write_stall = std::chrono::seconds(1);
  return limits;
}

TEST(ClientStream, DropsAClientThatSendsItsHeadSlowly) {
  const Ends ends;
  ClientStream stream(ends.server, Fast());
  ::send(ends.client, "G", 1, 0);
  EXPECT_TRUE(stream.WaitForRequest());
  char byte = 0;
  EXPECT_EQ(stream.read(&byte, 1), 1);
  EXPECT_EQ(stream.read(&byte, 1), -1);
  EXPECT_EQ(stream.dropped(), "slow_head");
}

TEST(ClientStream, DropsAHeadWithoutEnd) {
  const Ends ends;
  ClientStream stream(ends.server, Fast());
  const std::string bytes(200, 'a');
  ::send(ends.client, bytes.data(), bytes.size(), 0);
  EXPECT_TRUE(stream.WaitForRequest());
  std::array<char, 300> buffer{};
  ssize_t count = 0, got = 0;
  while ((got = stream.read(buffer.data(), 10)) > 0) count += got;
  EXPECT_EQ(got, -1);
  EXPECT_EQ(count, 100);
  EXPECT_EQ(stream.dropped(), "too_large");
}

TEST(ClientStream, DropsABodyBelowTheRate) {
  const Ends ends;
  ClientStream stream(ends.server, Fast());
  stream.BeginBody(1000);
  char byte = 0;
  EXPECT_EQ(stream.read(&byte, 1), -1);
  EXPECT_EQ(stream.dropped(), "slow_body");
}

TEST(ClientStream, DropsAClientThatDoesNotRead) {
  const Ends ends;
  ClientStream stream(ends.server, Fast());
  const std::string bytes(100'000, 'a');
  ssize_t sent = 0;
  for (int i = 0; i < 1000 && sent >= 0; ++i) sent = stream.write(bytes.data(), bytes.size());
  EXPECT_EQ(sent, -1);
  EXPECT_EQ(stream.dropped(), "slow_reader");
  EXPECT_FALSE(stream.is_writable());
}

TEST(ClientStream, SeesThatTheClientIsGone) {
  Ends ends;
  ClientStream stream(ends.server, Fast());
  EXPECT_FALSE(stream.IsGone());
  EXPECT_FALSE(stream.WaitForRequest());
  ::shutdown(ends.client, SHUT_WR);
  EXPECT_TRUE(stream.IsGone());
  char byte = 0;
  EXPECT_TRUE(stream.WaitForRequest());  // the end
  EXPECT_EQ(stream.read(&byte, 1), 0);
}

}  // namespace
}  // namespace t3::serve
