// Embeddings over a POSIX file.
#include "pipeline/embed_spool.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace t3 {
namespace {

// Some sixteen prompts of full length.
constexpr int64_t kBufferedBytes = 64'000'000;

int OpenUnnamed(const std::string& folder) {
  std::string name = folder + "/.t3-spool-XXXXXX";
  const int file = ::mkstemp(name.data());
  T3_CHECK(file >= 0, "cannot create a file for the encoded prompts in {}: {}", folder,
           std::strerror(errno));
  ::unlink(name.c_str());
  return file;
}

}  // namespace

EmbedSpool::EmbedSpool(std::string folder) : folder_(folder.empty() ? "." : std::move(folder)) {}

EmbedSpool::~EmbedSpool() {
  if (file_ >= 0) ::close(file_);
}

void EmbedSpool::Write(Entry& entry, const at::Tensor& embeds) {
  if (file_ < 0) file_ = OpenUnnamed(folder_);
  const at::Tensor rows = embeds.contiguous();
  entry.offset = size_;
  entry.rows = rows.size(0);
  entry.width = rows.size(1);
  entry.like = at::empty({0}, rows.options());
  const auto* bytes = static_cast<const char*>(rows.const_data_ptr());
  const auto total = static_cast<int64_t>(rows.nbytes());
  for (int64_t done = 0; done < total;) {
    const ssize_t some =
        ::pwrite(file_, bytes + done, static_cast<size_t>(total - done), size_ + done);
    if (some < 0 && errno == EINTR) continue;
    T3_CHECK(some > 0, "cannot write the encoded prompts to {}: {}", folder_, std::strerror(errno));
    done += some;
  }
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
  auto* bytes = static_cast<char*>(encoded.embeds.mutable_data_ptr());
  const auto total = static_cast<int64_t>(encoded.embeds.nbytes());
  for (int64_t done = 0; done < total;) {
    const ssize_t some =
        ::pread(file_, bytes + done, static_cast<size_t>(total - done), entry.offset + done);
    if (some < 0 && errno == EINTR) continue;
    T3_CHECK(some > 0, "cannot read the encoded prompts in {}: {}", folder_,
             some < 0 ? std::strerror(errno) : "the file ends early");
    done += some;
  }
  return encoded;
}

}  // namespace t3
