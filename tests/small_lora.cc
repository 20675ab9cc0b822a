// Writes the file without libtorch.
#include "small_lora.h"

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

namespace t3 {

void WriteLora(const std::string& path, float value, const std::string& sampling) {
  constexpr size_t kDim = 128;  // channels of the small models
  using nlohmann::json;
  const auto tensor = [](size_t begin, const std::vector<size_t>& shape) {
    return json{{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, begin + 4 * kDim}}};
  };
  json header{{"blocks.1.self_attn.o.lora_A.weight", tensor(0, {1, kDim})},
              {"blocks.1.self_attn.o.lora_B.weight", tensor(4 * kDim, {kDim, 1})}};
  if (!sampling.empty()) header["__metadata__"] = {{"t3.sampling", sampling}};
  const std::string text = header.dump();
  const uint64_t length = text.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  bytes += text;
  for (size_t i = 0; i < 2 * kDim; ++i) {
    const float number = i < kDim ? value : (i % 2 == 0 ? 0.3F : -0.2F);
    bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace t3
