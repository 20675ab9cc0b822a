// What stays in memory, and where the others lie in the file.
#include "pipeline/embed_spool.h"

#include <ATen/ATen.h>

#include <utility>

#include "base/check.h"

namespace t3 {
namespace {

// Some sixteen prompts of full length.
constexpr int64_t kBufferedBytes = 64'000'000;

}  // namespace

EmbedSpool::EmbedSpool(std::string folder) : folder_(folder.empty() ? "." : std::move(folder)) {}

void EmbedSpool::Write(Entry& entry, const at::Tensor& embeds) {
  if (!file_.is_open()) {
    const std::string why = file_.Open(folder_);
    T3_CHECK(why.empty(), "cannot create a file for the encoded prompts in {}: {}", folder_, why);
  }
  const at::Tensor rows = embeds.contiguous();
  entry.offset = size_;
  entry.rows = rows.size(0);
  entry.width = rows.size(1);
  entry.like = at::empty({0}, rows.options());
  const auto total = static_cast<int64_t>(rows.nbytes());
  const std::string why = file_.Write(rows.const_data_ptr(), total, size_);
  T3_CHECK(why.empty(), "cannot write the encoded prompts to {}: {}", folder_, why);
  size_ += total;
}

void EmbedSpool::Add(const std::string& text, const EncodedText& encoded) {
  Entry& entry = entries_[text];
  entry.encoded.ids = encoded.ids;
  const auto bytes = static_cast<int64_t>(encoded.embeds.nbytes());
  if (buffered_ + bytes > kBufferedBytes) return Write(entry, encoded.embeds);
  entry.encoded.embeds = encoded.embeds;
  buffered_ += bytes;
}

EncodedText EmbedSpool::Read(const std::string& text) const {
  const Entry& entry = entries_.at(text);
  if (entry.encoded.embeds.defined()) return entry.encoded;
  EncodedText encoded{entry.encoded.ids,
                      at::empty({entry.rows, entry.width}, entry.like.options())};
  const std::string why =
      file_.Read(encoded.embeds.mutable_data_ptr(), static_cast<int64_t>(encoded.embeds.nbytes()),
                 entry.offset, "the file ends early");
  T3_CHECK(why.empty(), "cannot read the encoded prompts in {}: {}", folder_, why);
  return encoded;
}

}  // namespace t3
