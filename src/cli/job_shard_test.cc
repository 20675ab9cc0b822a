// Shards: every entry is in one of them, and bad values are named.
#include "cli/job_shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "t3video/error.h"

namespace t3 {
namespace {

TEST(JobShard, EveryEntryIsInOneShard) {
  for (const int64_t count : {1, 2, 3, 7}) {
    for (const int64_t entries : {0, 1, 5, 14}) {
      int64_t in_shards = 0;
      for (int64_t index = 1; index <= count; ++index) {
        const Shard shard = ParseShard(std::to_string(index) + "/" + std::to_string(count));
        int64_t size = 0;
        for (int64_t position = 0; position < entries; ++position) size += shard.Has(position);
        EXPECT_EQ(size, shard.SizeOf(entries)) << index << "/" << count << " of " << entries;
        in_shards += size;
      }
      EXPECT_EQ(in_shards, entries);
      for (int64_t position = 0; position < entries; ++position) {
        EXPECT_TRUE((Shard{position % count + 1, count}).Has(position));
      }
    }
  }
}

TEST(JobShard, NoValueIsTheWholeList) {
  EXPECT_EQ(ParseShard("").SizeOf(5), 5);
  EXPECT_TRUE(ParseShard("").Has(3));
}

TEST(JobShard, BadValuesAreNamed) {
  for (const char* text : {"0/2", "3/2", "1", "/", "1/", "/2", "-1/2", "1/-2", "1/2/3", "a/b",
                           "1.5/2", " 1/2", "1/2 ", "+1/2", "99999999999999999999/2"}) {
    try {
      ParseShard(text);
      ADD_FAILURE() << text << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_THAT(error.what(), testing::HasSubstr("--shard '" + std::string(text) + "'"));
      EXPECT_THAT(error.what(), testing::HasSubstr("2/8"));
    }
  }
}

}  // namespace
}  // namespace t3
