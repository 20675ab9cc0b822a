// libFuzzer target: the text of a BRISQUE model.
#include <string>

#include "parse.h"
#include "score/brisque.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace t3;
  fuzz::Run([&] {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const BrisqueModel model = BrisqueModel::Parse(text, "model");
    static_cast<void>(model.Score(BrisqueFeatures{}));
  });
  return 0;
}
