// libFuzzer target: the GGUF reader, and the values of its blocks.
#include <vector>

#include "parse.h"
#include "weights/ggml_blocks.h"
#include "weights/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace t3;
  fuzz::Run([&] {
    const ParsedWeights weights = ParseGguf(fuzz::AsBytes(data, size));
    fuzz::Touch(weights);
    for (const auto& [name, view] : weights.tensors) {
      if (!IsQuantised(view.dtype)) continue;
      std::vector<float> values(static_cast<size_t>(view.elements()));
      const int64_t blocks = view.elements() / BlockOf(view.dtype).elements;
      DequantiseBlocks(view.dtype, view.data, blocks, values.data());
    }
  });
  return 0;
}
