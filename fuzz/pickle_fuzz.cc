// libFuzzer target: the pickle reader, the tensors of a state dict, and the legacy torch file.
#include <algorithm>
#include <array>

#include "parse.h"
#include "weights/pickle.h"
#include "weights/pickled_tensor.h"
#include "weights/state_dict.h"
#include "weights/torch_file.h"

namespace t3 {
namespace {

// Stands for the data of every storage.
Bytes FakeStorage(const PickledStorage& storage) {
  static const std::array<std::byte, 4096> kData{};
  T3_CHECK(std::cmp_less_equal(storage.bytes, kData.size()), "too large");
  return kData;
}

}  // namespace
}  // namespace t3

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace t3;
  const Bytes file = fuzz::AsBytes(data, size);
  fuzz::Run([&] {
    const Pickle pickle = ParsePickle(file);
    fuzz::Touch(ReadTensors(FindStateDict(*pickle.root), FakeStorage, 65536));
  });
  fuzz::Run([&] { fuzz::Touch(ParseTorchLegacy(file)); });
  return 0;
}
