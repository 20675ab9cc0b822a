// API keys, loopback names and routes.
#include "serve/access.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/check.h"
#include "base/read_text.h"
#include "serve/router.h"
#include "serve/testing/temporary_folder.h"

namespace t3::serve {
namespace {

TEST(ApiKeys, AreHashedAtRest) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/keys";
  const std::string key = CreateKey(path, "ann"), other = CreateKey(path, "bob");
  EXPECT_NE(key, other);
  EXPECT_EQ(ReadText(path).find(key), std::string::npos);
  ApiKeys keys(path);
  EXPECT_EQ(keys.Check(key), "ann");
  EXPECT_EQ(keys.Check(other), "bob");
  EXPECT_EQ(keys.Check(key + "0"), std::nullopt);
  EXPECT_EQ(keys.Check(""), std::nullopt);
  EXPECT_EQ(keys.Check(HashOfKey(key)), std::nullopt);
  EXPECT_THROW(CreateKey(path, "ann"), Error);
  EXPECT_THROW(CreateKey(path, "a b"), Error);
}

TEST(ApiKeys, HashIsSha256) {
  EXPECT_EQ(HashOfKey("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ApiKeys, FileIsReadAgain) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/keys";
  ApiKeys keys(path);
  EXPECT_TRUE(keys.empty());
  const std::string key = CreateKey(path, "ann");
  EXPECT_EQ(keys.Check(key), "ann");
  std::ofstream(path) << "broken\n";  // keeps those that it had
  EXPECT_EQ(keys.Check(key), "ann");
  std::ofstream(path) << "# none\n\n";
  EXPECT_EQ(keys.Check(key), std::nullopt);
  std::ofstream(path) << "ann " << HashOfKey("x") << " more\n";
  EXPECT_THROW(ApiKeys{path}, Error);
}

TEST(BearerToken, IsWhatFollowsTheScheme) {
  EXPECT_EQ(BearerToken("Bearer abc"), "abc");
  EXPECT_EQ(BearerToken("bearer abc"), "abc");
  EXPECT_EQ(BearerToken("Basic abc"), "");
  EXPECT_EQ(BearerToken("Bearer"), "");
  EXPECT_EQ(BearerToken(""), "");
}

TEST(LoopbackName, IsOfThisMachineAlone) {
  for (const char* name :
       {"localhost", "localhost:80", "127.0.0.1", "127.8.8.8:1", "[::1]", "[::1]:8080", "::1"})
    EXPECT_TRUE(IsLoopbackName(name)) << name;
  for (const char* name : {"", "example.com", "127.0.0.1.example.com", "localhost.example.com",
                           "0.0.0.0", "::", "[::]", "127.1", "[::1", "192.168.0.1", "1270.0.1"})
    EXPECT_FALSE(IsLoopbackName(name)) << name;
}

TEST(Router, BracesStandForOneSegment) {
  std::string parameter;
  EXPECT_TRUE(MatchesPattern("/v1/videos/{id}", "/v1/videos/a", parameter));
  EXPECT_EQ(parameter, "a");
  EXPECT_TRUE(MatchesPattern("/v1/videos/{id}/content", "/v1/videos/a/content", parameter));
  for (const char* path : {"/v1/videos/", "/v1/videos", "/v1/videos/a/b", "/v1/videos/a/",
                           "/v1/videos//content", "/v1/videos/../content/", "/", ""})
    EXPECT_FALSE(MatchesPattern("/v1/videos/{id}", path, parameter)) << path;
  EXPECT_FALSE(MatchesPattern("/v1/videos/{id}/content", "/v1/videos/content", parameter));
}

}  // namespace
}  // namespace t3::serve
