// Requests as bytes, and what the server makes of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "base/read_text.h"
#include "serve/testing/test_server.h"

namespace t3::serve {
namespace {

int StatusOf(const std::string& reply) {
  return reply.size() > 12 ? std::stoi(reply.substr(9, 3)) : 0;
}

std::string BodyOf(const std::string& reply) {
  const size_t at = reply.find("\r\n\r\n");
  return at == std::string::npos ? "" : reply.substr(at + 4);
}

nlohmann::json JsonOf(const std::string& reply) { return ParseJson(BodyOf(reply), "the reply"); }

std::string CodeOf(const std::string& reply) { return JsonOf(reply).at("error").at("code"); }

constexpr const char* kForm = "Content-Type: multipart/form-data; boundary=b\r\n";

std::string Part(const std::string& name, const std::string& value, const std::string& file = "") {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"" +
         (file.empty() ? "" : "; filename=\"" + file + "\"") + "\r\n\r\n" + value + "\r\n";
}

std::string PostForm(TestServer& server, const std::string& body) {
  return server.Send("POST /v1/videos", kForm, body);
}

const std::string kPng = std::string("\x89PNG\r\n\x1a\n", 8) + std::string(100, 'x');

// Nothing that a client sent is in the data folder.
void ExpectNothingStored(const TestServer& server) {
  namespace fs = std::filesystem;
  EXPECT_TRUE(fs::is_empty(server.files().uploads()));
  EXPECT_TRUE(fs::is_empty(server.files().folder() + "/jobs"));
}

TEST(Http, LifeOfAQueuedJob) {
  TestServer server;
  const std::string created = server.PostJson("/v1/videos", R"({"prompt":"p","seconds":"4"})");
  ASSERT_EQ(StatusOf(created), 200) << created;
  const nlohmann::json video = JsonOf(created);
  EXPECT_EQ(video.at("status"), "queued");
  EXPECT_EQ(video.at("queue_position"), 1);
  EXPECT_EQ(video.at("settings"), nlohmann::json({{"seconds", 4.0}}));
  EXPECT_NE(created.find("openai-poll-after-ms: "), std::string::npos);
  const std::string id = video.at("id");
  EXPECT_EQ(JsonOf(server.Get("/v1/videos/" + id)).at("id"), id);
  EXPECT_EQ(JsonOf(server.Get("/v1/videos?limit=1")).at("data").size(), 1U);
  EXPECT_EQ(CodeOf(server.Get("/v1/videos/" + id + "/content")), "video_not_ready");
  EXPECT_EQ(CodeOf(server.Get("/v1/videos/" + id + "/content?variant=foo")), "invalid_value");
  const std::string deleted = server.Send("DELETE /v1/videos/" + id, "", "");
  EXPECT_EQ(JsonOf(deleted).at("deleted"), true);
  EXPECT_EQ(StatusOf(server.Get("/v1/videos/" + id)), 404);
  EXPECT_EQ(JsonOf(server.Get("/v1/videos")).at("data").size(), 0U);
  ExpectNothingStored(server);
}

TEST(Http, EveryReplyHasTheHeaders) {
  TestServer server;
  for (const std::string& reply :
       {server.Get("/"), server.Get("/nothing"), server.Get("/health"), server.Get("/v1/videos"),
        server.Send("GET /\r\n\r\n"), server.Send("NONSENSE\r\n\r\n"),
        server.PostJson("/v1/videos", "{")}) {
    for (const char* header :
         {"Content-Security-Policy: default-src 'none'", "X-Content-Type-Options: nosniff",
          "X-Frame-Options: DENY", "Referrer-Policy: no-referrer", "X-Request-Id: "})
      EXPECT_NE(reply.find(header), std::string::npos) << header << "\n" << reply;
  }
}

TEST(Http, ErrorsHaveTheForm) {
  TestServer server;
  const std::vector<std::tuple<std::string, int, std::string>> cases{
      {server.Get("/v1/unknown"), 404, "not_found"},
      {server.Get("/v1/videos/video_1/remix"), 404, "not_found"},
      {server.Get("/v1/videos/edits"), 404, "video_not_found"},
      {server.Send("PATCH /v1/videos", "", "x"), 405, "method_not_allowed"},
      {server.Send("DELETE /v1/videos", "", ""), 405, "method_not_allowed"},
      {server.Get("/v1/videos/plan"), 405, "method_not_allowed"},
      {server.Send("DELETE /v1/videos/plan", "", ""), 405, "method_not_allowed"},
      {server.Get("/v1/models/sora-2"), 404, "model_not_found"},
      {server.Send("POST /v1/videos", "", ""), 411, "length_required"},
      {server.Send("POST /v1/videos", "", "{}"), 415, "unsupported_type"},
      {server.Send("POST /v1/videos", "Content-Encoding: gzip\r\n", "{}"), 415, "unsupported_type"},
      {server.PostJson("/v1/videos", "{"), 400, "invalid_json"},
      {server.PostJson("/v1/videos", "[]"), 400, "invalid_json"},
      {server.PostJson("/v1/videos", R"({"prompt":"p","prompt":"q"})"), 400, "invalid_json"},
      {server.PostJson("/v1/videos", "{}"), 400, "missing_field"},
      {server.PostJson("/v1/videos", R"({"prompt":"p","path":"/etc/passwd"})"), 400,
       "unknown_field"},
      {server.PostJson("/v1/videos", R"({"prompt":"p","model":"sora-2"})"), 400, "invalid_value"},
      {server.PostJson("/v1/videos", R"({"prompt":"p","loras":[{"name":"../x"}]})"), 400,
       "invalid_value"},
      {server.PostJson("/v1/videos/plan", "{}"), 503, "not_ready"},
      {server.Get("/v1/videos?limit=0"), 400, "invalid_value"},
      {server.Get("/v1/videos?limit=1000"), 400, "invalid_value"},
      {server.Get("/v1/videos?order=up"), 400, "invalid_value"},
      {server.Get("/v1/videos?after=../x"), 400, "invalid_value"},
      {server.Get("/page/../keys"), 404, "not_found"},
      {server.Get("/page/nothing.js"), 404, "not_found"},
      {server.Get("/" + std::string(1000, 'a')), 414, "url_too_long"},
      {server.Get("/" + std::string(10000, 'a')), 414, "url_too_long"},
      {server.Send("NONSENSE\r\n\r\n"), 400, "invalid_request"}};
  const std::string page = ReadText(std::string(T3_SOURCE_DIR) + "/docs/reference/http.md");
  for (const auto& [reply, status, code] : cases) {
    EXPECT_NE(page.find("`" + code + "`"), std::string::npos) << code << " is not documented";
    EXPECT_EQ(StatusOf(reply), status) << reply;
    EXPECT_EQ(CodeOf(reply), code) << reply;
    EXPECT_TRUE(JsonOf(reply).at("error").contains("type"));
  }
  ExpectNothingStored(server);
}

TEST(Http, AModelByItsId) {
  TestServer server;
  const nlohmann::json list = JsonOf(server.Get("/v1/models")).at("data");
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(JsonOf(server.Get("/v1/models/demo")), list[0]);
}

TEST(Http, FormsCarryFieldsAndAFile) {
  TestServer server;
  const std::string reply =
      PostForm(server, Part("prompt", "p") + Part("num_frames", "17") + Part("seed", "3") +
                           Part("input_reference", kPng, "../../../../etc/cron.d/x") + "--b--\r\n");
  ASSERT_EQ(StatusOf(reply), 200) << reply;
  const nlohmann::json video = JsonOf(reply);
  EXPECT_EQ(video.at("input"), "image");
  EXPECT_EQ(video.at("seed"), 3);
  const std::string folder = server.files().Folder(video.at("id"));
  EXPECT_EQ(ReadText(folder + "/input.png"), kPng);
  EXPECT_TRUE(std::filesystem::is_empty(server.files().uploads()));
}

TEST(Http, BrokenFormsAreRefused) {
  TestServer server;
  const std::string end = "--b--\r\n";
  const std::string file = Part("input_reference", kPng, "a.png");
  std::string many;
  for (int i = 0; i < 100; ++i) many += Part("field" + std::to_string(i), "x");
  const std::vector<std::string> bodies{
      "",
      "--b",
      "--b--",
      "garbage",
      Part("prompt", "p"),                                         // no end
      "--b\r\nContent-Disposition: form-data\r\n\r\np\r\n" + end,  // no name
      "--b\r\n\r\np\r\n" + end,
      Part("prompt", "p") + Part("prompt", "q") + end,  // twice
      Part("prompt", "p") + file + file + end,
      Part("prompt", "p") + Part("input_reference", "#!/bin/sh\n", "a.png") + end,
      Part("prompt", "p") + Part("input_reference", "", "a.png") + end,
      Part("prompt", "p") + Part("input_reference", "https://example.com/x.png") + end,
      Part("prompt", "p") + Part("other", kPng, "a.png") + end,
      Part("prompt", "p") + Part("input_reference", kPng + std::string(20000, 'x'), "a.png") + end,
      Part("prompt", std::string(70000, 'p')) + end,
      Part("prompt", "p") + Part("source_video", "x") + file + end,
      many + end};
  for (const std::string& body : bodies) {
    const std::string reply = PostForm(server, body);
    EXPECT_GE(StatusOf(reply), 400) << body.substr(0, 200);
    EXPECT_LT(StatusOf(reply), 500) << body.substr(0, 200) << reply;
    EXPECT_NO_THROW(CodeOf(reply)) << reply;
  }
  const std::string no_boundary =
      server.Send("POST /v1/videos", "Content-Type: multipart/form-data\r\n", file + end);
  EXPECT_EQ(StatusOf(no_boundary), 400);
  ExpectNothingStored(server);
}

TEST(Http, BodiesAreLimited) {
  TestServer server;
  const std::string body = R"({"prompt":")" + std::string(TestServer::kMaxBody, 'a') + "\"}";
  const std::string reply = server.PostJson("/v1/videos", body);
  EXPECT_EQ(StatusOf(reply), 413) << reply.substr(0, 500);
  EXPECT_EQ(CodeOf(reply), "too_large");
}

TEST(Http, AmbiguousLengthsAreRefused) {
  TestServer server;
  const std::string body = R"({"prompt":"p"})";
  for (const char* headers :
       {"Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: 14\r\nContent-Length: 14\r\n",
        "Content-Length: 14\r\nTransfer-Encoding: chunked\r\n", "Content-Length: abc\r\n",
        "Content-Length: -14\r\n", "Content-Length: +14\r\n", "Content-Length: 14, 14\r\n",
        "Content-Length: 0x0e\r\n", "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    for (const char* head : {"POST /v1/videos", "GET /v1/videos"}) {
      const std::string reply = server.Send(
          std::string(head) + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
          headers + "\r\n" + body);
      ASSERT_EQ(StatusOf(reply), 400) << head << " " << headers << reply;
      EXPECT_EQ(CodeOf(reply), "invalid_request") << headers;
      EXPECT_NE(reply.find("Connection: close"), std::string::npos) << headers;
    }
  }
  ExpectNothingStored(server);
  const std::string chunked = server.Send(
      "POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: Chunked\r\n\r\ne\r\n" +
      body + "\r\n0\r\n\r\n");
  EXPECT_EQ(StatusOf(chunked), 200) << chunked;
}

TEST(Http, LimitsOfKeysAndOfTheQueue) {
  Limits limits = TestServer::UsualLimits();
  limits.max_queue = 3;
  limits.max_queue_per_key = 2;
  const std::string hash_a = HashOfKey("a"), hash_b = HashOfKey("b");
  TestServer server(limits, "ann " + hash_a + "\nbob " + hash_b + "\n");
  const auto post = [&](const char* key) {
    return server.Send(
        "POST /v1/videos",
        std::string("Content-Type: application/json\r\nAuthorization: Bearer ") + key + "\r\n",
        R"({"prompt":"p"})");
  };
  EXPECT_EQ(StatusOf(post("a")), 200);
  EXPECT_EQ(StatusOf(post("a")), 200);
  EXPECT_EQ(CodeOf(post("a")), "too_many_jobs");
  EXPECT_NE(post("a").find("Retry-After: "), std::string::npos);
  EXPECT_EQ(StatusOf(post("b")), 200);
  const std::string full = post("b");
  EXPECT_EQ(StatusOf(full), 503);
  EXPECT_EQ(CodeOf(full), "queue_full");
  EXPECT_NE(full.find("Retry-After: "), std::string::npos);
}

TEST(Http, RatesAreLimited) {
  Limits limits = TestServer::UsualLimits();
  limits.max_per_minute = 1;
  TestServer server(limits);
  EXPECT_EQ(StatusOf(server.PostJson("/v1/videos", R"({"prompt":"p"})")), 200);
  const std::string reply = server.PostJson("/v1/videos", R"({"prompt":"p"})");
  EXPECT_EQ(CodeOf(reply), "too_many_requests");
  EXPECT_NE(reply.find("Retry-After: "), std::string::npos);
}

TEST(Http, AFullDiskIsNoticedBefore) {
  Limits limits = TestServer::UsualLimits();
  limits.min_free_bytes = int64_t{1} << 60;
  TestServer server(limits);
  const std::string reply = server.PostJson("/v1/videos", R"({"prompt":"p"})");
  EXPECT_EQ(StatusOf(reply), 503);
  EXPECT_EQ(CodeOf(reply), "disk_full");
  ExpectNothingStored(server);
}

TEST(Http, NoRouteWithoutAKeyButTheOpenOnes) {
  TestServer server(TestServer::UsualLimits(), "ann " + HashOfKey("secret") + "\n");
  for (const Route& route : server.router().routes()) {
    std::string path = route.pattern;
    if (const size_t open = path.find('{'); open != std::string::npos)
      path.replace(open, path.find('}') - open + 1, "video_" + std::string(32, '0'));
    for (const char* header : {"", "Authorization: Bearer wrong\r\n", "Authorization: secret\r\n",
                               "Authorization: Basic secret\r\n", "Cookie: key=secret\r\n"}) {
      const std::string reply = server.Send(
          route.method + " " + path, std::string("Content-Type: application/json\r\n") + header,
          route.takes_body ? R"({"prompt":"p"})" : "");
      if (route.open) {
        EXPECT_NE(StatusOf(reply), 401) << path;
      } else {
        EXPECT_EQ(StatusOf(reply), 401) << route.method << " " << path << " " << header << reply;
        EXPECT_NE(reply.find("WWW-Authenticate: Bearer"), std::string::npos);
      }
    }
  }
  EXPECT_EQ(StatusOf(server.Send("GET /v1/videos", "Authorization: Bearer secret\r\n", "")), 200);
  // The key, not the name of the host, is what counts then.
  EXPECT_EQ(StatusOf(server.Send("GET /v1/videos HTTP/1.1\r\nHost: example.com\r\nAuthorization: "
                                 "Bearer secret\r\n\r\n")),
            200);
}

TEST(Http, KeysSeeTheirOwnJobs) {
  TestServer server(TestServer::UsualLimits(),
                    "ann " + HashOfKey("a") + "\nbob " + HashOfKey("b") + "\n");
  const std::string as_a = "Authorization: Bearer a\r\n", as_b = "Authorization: Bearer b\r\n";
  const std::string id =
      JsonOf(server.Send("POST /v1/videos", as_a + "Content-Type: application/json\r\n",
                         R"({"prompt":"p"})"))
          .at("id");
  for (const char* path : {"", "/content", "/events"})
    EXPECT_EQ(StatusOf(server.Send("GET /v1/videos/" + id + path, as_b, "")), 404) << path;
  EXPECT_EQ(StatusOf(server.Send("DELETE /v1/videos/" + id, as_b, "")), 404);
  EXPECT_EQ(JsonOf(server.Send("GET /v1/videos", as_b, "")).at("data").size(), 0U);
  EXPECT_EQ(StatusOf(server.Send("POST /v1/videos", as_b + "Content-Type: application/json\r\n",
                                 R"({"prompt":"p","source_video":")" + id + "\"}")),
            400);
  EXPECT_EQ(StatusOf(server.Send("GET /v1/videos/" + id, as_a, "")), 200);
}

TEST(Http, OtherSitesAreRefusedWithoutKeys) {
  TestServer server;
  const auto get = [&](const std::string& headers) {
    return server.Send("GET /v1/videos HTTP/1.1\r\n" + headers + "\r\n");
  };
  EXPECT_EQ(StatusOf(get("Host: localhost:8080\r\n")), 200);
  EXPECT_EQ(StatusOf(get("Host: localhost:8080\r\nOrigin: http://localhost:8080\r\n")), 200);
  EXPECT_EQ(CodeOf(get("Host: example.com\r\n")), "wrong_host");
  EXPECT_EQ(CodeOf(get("")), "wrong_host");
  for (const char* origin :
       {"http://example.com", "null", "http://localhost", "https://localhost:1"})
    EXPECT_EQ(CodeOf(get(std::string("Host: localhost:1\r\nOrigin: ") + origin + "\r\n")),
              "wrong_origin");
}

TEST(Http, NoPathReachesTheFileSystem) {
  TestServer server;
  std::ofstream(server.files().folder() + "/jobs.txt") << "inside";
  for (const std::string& id :
       {std::string(".."), std::string("..%2f..%2fjobs.sqlite"), std::string("%2e%2e"),
        std::string("video_%00"), std::string("/etc/passwd"), "video_" + std::string(31, '0') + "/",
        "VIDEO_" + std::string(32, '0'), "video_" + std::string(32, 'A')}) {
    for (const char* rest : {"", "/content", "/content?variant=../../jobs.sqlite", "/events"}) {
      const std::string reply = server.Get("/v1/videos/" + id + rest);
      EXPECT_EQ(StatusOf(reply), 404) << id << rest << reply;
    }
  }
  for (const char* page : {"/page/%2e%2e%2fkeys", "/page/..%2f..%2fetc%2fpasswd", "/etc/passwd",
                           "//etc/passwd", "/page//etc/passwd", "/.."})
    EXPECT_EQ(StatusOf(server.Get(page)), 404) << page;
}

TEST(Http, LongListsOfRangesDoNoHarm) {
  TestServer server;
  std::string range = "Range: bytes=0-0";
  while (range.size() < 8000) range += ",0-0";
  const std::string reply = server.Send("GET /", range + "\r\n", "");
  EXPECT_TRUE(StatusOf(reply) == 200 || StatusOf(reply) == 416) << reply.substr(0, 300);
}

TEST(Http, TheLogHasNoPrompts) {
  TestServer server;
  testing::internal::CaptureStderr();
  server.PostJson("/v1/videos", R"({"prompt":"a-secret-prompt"})");
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(log.find("a-secret-prompt"), std::string::npos);
  EXPECT_NE(log.find("\"event\":\"job_created\""), std::string::npos);
}

TEST(Http, ConnectionsOverSockets) {
  TestServer server;
  server.http().Start();
  httplib::Client client("127.0.0.1", server.http().port());
  client.set_keep_alive(true);
  for (int i = 0; i < 3; ++i) {
    const auto reply = client.Get("/v1/videos");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
  }
  const auto posted = client.Post("/v1/videos", R"({"prompt":"p"})", "application/json");
  ASSERT_TRUE(posted);
  EXPECT_EQ(posted->get_header_value("Connection"), "close");
}

}  // namespace
}  // namespace t3::serve
