// sentencepiece behind a plain interface.
#include "tokenizer/tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>

#include "base/check.h"
#include "base/mapped_file.h"
#include "tokenizer/sentencepiece_model.h"

namespace t3 {

struct Tokenizer::Impl {
  sentencepiece::SentencePieceProcessor processor;
};

Tokenizer::Tokenizer(std::span<const std::byte> model, const std::string& name)
    : impl_(std::make_unique<Impl>()) {
  CheckSentencePieceModel(model, name);
  auto& processor = impl_->processor;
  const auto status = processor.LoadFromSerializedProto(
      {reinterpret_cast<const char*>(model.data()), model.size()});
  T3_CHECK(status.ok(), "{} is not a sentencepiece model ({}); wanted UMT5's spiece.model", name,
           status.error_message());
  T3_CHECK(processor.pad_id() == kPadId && processor.eos_id() == kEndId,
           "{} has padding id {} and end id {}; wanted {} and {}, as in UMT5's spiece.model", name,
           processor.pad_id(), processor.eos_id(), kPadId, kEndId);
}

Tokenizer::Tokenizer(const std::string& path) : Tokenizer(MappedFile(path).bytes(), path) {}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<int32_t> Tokenizer::Encode(std::string_view text, int64_t max_ids) const {
  T3_CHECK(max_ids >= 1, "the tokenizer was asked for {} ids; wanted at least 1", max_ids);
  std::vector<int> pieces;
  const auto status = impl_->processor.Encode(text, &pieces);
  T3_CHECK(status.ok(), "the text cannot be tokenized: {}", status.error_message());
  const size_t count = std::min(pieces.size(), static_cast<size_t>(max_ids - 1));
  std::vector<int32_t> ids(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(count));
  ids.push_back(kEndId);
  return ids;
}

int64_t Tokenizer::vocab_size() const { return impl_->processor.GetPieceSize(); }

}  // namespace t3
