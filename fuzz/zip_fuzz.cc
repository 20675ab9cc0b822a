// libFuzzer target: the zip reader, and behind it the whole torch zip reader.
#include "parse.h"
#include "weights/torch_file.h"
#include "weights/zip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace t3;
  const Bytes file = fuzz::AsBytes(data, size);
  fuzz::Run([&] { ParseZip(file); });
  fuzz::Run([&] { fuzz::Touch(ParseTorchZip(file)); });
  return 0;
}
