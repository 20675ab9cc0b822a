// Shards of a list.
#include "cli/job_shard.h"

#include <algorithm>

#include "base/check.h"
#include "base/parse_number.h"
#include "base/text.h"

namespace t3 {
namespace {

// The whole of `text` as a number from 1 on; 0 where it is not one.
int64_t PositiveNumber(const std::string& text) {
  const int64_t number = ParseNumber<int64_t>(text).value_or(0);
  return std::max<int64_t>(number, 0);
}

}  // namespace

int64_t Shard::SizeOf(int64_t entries) const {
  return entries < index ? 0 : (entries - index) / count + 1;
}

Shard ParseShard(const std::string& text) {
  if (text.empty()) return {};
  const size_t slash = text.find('/');
  Shard shard{.index = 0, .count = 0};
  if (slash != std::string::npos) {
    shard = {PositiveNumber(text.substr(0, slash)), PositiveNumber(text.substr(slash + 1))};
  }
  if (shard.index == 0 || shard.index > shard.count) {
    FailUsage("--shard {}: wanted I/N, part I of N counted from 1, such as 2/8", Quote(text));
  }
  return shard;
}

}  // namespace t3
