// Text to token ids by a sentencepiece model.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace t3 {

// UMT5's tokenizer: sentencepiece's encoding followed by the end id 1. Encode may be called from
// several threads.
class Tokenizer {
 public:
  static constexpr int32_t kPadId = 0;
  static constexpr int32_t kEndId = 1;

  // Reads a spiece.model. Throws Error when it is missing, damaged, not a sentencepiece model, or
  // one whose padding and end ids differ from those above.
  explicit Tokenizer(const std::string& path);
  // The same from the file's content, e.g. the tensor `spiece_model` of ComfyUI's files; `name` is
  // for messages. The bytes are not needed afterwards.
  Tokenizer(std::span<const std::byte> model, const std::string& name);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // At most `max_ids` - 1 pieces of the text (clean UTF-8, see CleanText), then kEndId; an empty
  // text gives {kEndId}. No padding.
  std::vector<int32_t> Encode(std::string_view text, int64_t max_ids = 512) const;

  int64_t vocab_size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace t3
