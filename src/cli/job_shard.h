// A part of a job's entries, for jobs that several machines share.
#pragma once

#include <cstdint>
#include <string>

namespace t3 {

// Entries `index`, `index` + `count`, ... of a list. Interleaved, because lists are often sorted by
// subject or length, and contiguous parts would then differ in time.
struct Shard {
  int64_t index = 1;  // from 1 to count
  int64_t count = 1;

  // `position` in the list, from 0.
  bool Has(int64_t position) const { return position % count == index - 1; }
  // How many entries of a list of `entries` are the shard's.
  int64_t SizeOf(int64_t entries) const;
};

// "I/N" with 1 <= I <= N; "" is the whole list. Throws Error of kind kUsage for anything else.
Shard ParseShard(const std::string& text);

}  // namespace t3
