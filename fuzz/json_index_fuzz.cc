// libFuzzer target: the JSON reader and the shard index.
#include <cstdlib>

#include "parse.h"
#include "weights/shard_index.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace t3;
  fuzz::Run([&] {
    for (const auto& [tensor, shard] : ParseShardIndex(fuzz::AsBytes(data, size))) {
      if (shard.find('/') != std::string::npos) std::abort();  // would leave the folder
    }
  });
  return 0;
}
