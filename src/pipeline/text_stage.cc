// The text stage.
#include "pipeline/text_stage.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <limits>
#include <set>

#include "arch/text_encoder.h"
#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "loading/load_models.h"
#include "runtime/device.h"
#include "tokenizer/clean.h"

namespace t3 {
namespace {

// Beside its weights the encoder needs little: 512 rows of activations and the context.
constexpr double kRoomBesideWeights = 1.1;

at::Device ChooseEncoderDevice(const ModelInfo& model, at::ScalarType dtype, at::Device device,
                               int64_t device_bytes) {
  const at::ScalarType computed = ArithmeticDtype(dtype, device.is_cuda());
  const int64_t weights = WeightBytes(TextEncoderTensors(*model.text),
                                      static_cast<int64_t>(c10::elementSize(computed)));
  const double needed = kRoomBesideWeights * static_cast<double>(weights);
  return device.is_cuda() && needed > static_cast<double>(device_bytes) ? at::Device(at::kCPU)
                                                                        : device;
}

// The first tokens of a text, with a warning where it has more than the model reads.
std::vector<int32_t> EncodeWithin(const Tokenizer& tokenizer, const std::string& text,
                                  int64_t max_tokens) {
  std::vector<int32_t> ids = tokenizer.Encode(CleanText(text), std::numeric_limits<int32_t>::max());
  if (std::ssize(ids) <= max_tokens) return ids;
  spdlog::warn("the text {} has {} tokens, of which this model reads the first {}", Quote(text),
               ids.size(), max_tokens);
  ids.resize(static_cast<size_t>(max_tokens));
  ids.back() = Tokenizer::kEndId;
  return ids;
}

}  // namespace

void EncodeTexts(const ModelInfo& model, const std::vector<std::string>& texts,
                 at::ScalarType dtype, const RunContext& context,
                 std::vector<Result::Stage>& stages, const EncodedTextFn& sink) {
  const c10::NoGradGuard no_grad;
  if (texts.empty()) return;
  const Tokenizer tokenizer = LoadTokenizer(model);
  const at::Device device =
      ChooseEncoderDevice(model, dtype, context.device, context.DeviceBytes());
  const at::ScalarType encoder_dtype =
      device == context.device ? dtype : ResolveDtype(ComputeDtype::kAuto, device);
  {
    const TextEncoder encoder = LoadTextEncoder(model, device, encoder_dtype, context);
    const std::set<std::string> unique(texts.begin(), texts.end());
    Stage stage(context, "encoding text", static_cast<int64_t>(unique.size()), "texts");
    int64_t done = 0;
    for (const std::string& text : unique) {
      EncodedText result;
      result.ids = EncodeWithin(tokenizer, text, model.dit.text_len);
      result.embeds = encoder.Encode(result.ids).cpu();
      T3_CHECK(result.embeds.isfinite().all().item<bool>(),
               "the text encoder {} gave values that are not finite; its weights are damaged",
               model.paths.text_encoder);
      sink(text, result);
      stage.Advance(++done);
    }
    stage.Finish(stages);
  }
  ReleaseCachedMemory(device);
}

std::map<std::string, EncodedText> EncodeTexts(const ModelInfo& model,
                                               const std::vector<std::string>& texts,
                                               at::ScalarType dtype, const RunContext& context,
                                               std::vector<Result::Stage>& stages) {
  std::map<std::string, EncodedText> encoded;
  EncodeTexts(model, texts, dtype, context, stages,
              [&](const std::string& text, const EncodedText& result) { encoded[text] = result; });
  return encoded;
}

}  // namespace t3
