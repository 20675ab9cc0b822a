// libFuzzer target: the safetensors reader.
#include "parse.h"
#include "weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace t3;
  fuzz::Run([&] { fuzz::Touch(ParseSafetensors(fuzz::AsBytes(data, size))); });
  return 0;
}
