// The blocks of GIF89a as far as a comment is concerned.
#include "media/gif_comment.h"

#include <algorithm>
#include <utility>

#include "media/file_patch.h"

namespace t3 {
namespace {

constexpr char kExtension = '\x21', kComment = '\xfe', kImage = '\x2c', kTrailer = '\x3b';
constexpr size_t kMaxSubBlock = 255;

// A place in a file that stays within it.
class Blocks {
 public:
  explicit Blocks(std::string_view file) : rest_(file) {}

  // False, and at the end, when fewer bytes are left.
  bool Skip(size_t bytes) {
    const bool whole = bytes <= rest_.size();
    rest_.remove_prefix(whole ? bytes : rest_.size());
    return whole;
  }
  // Zero at the end, with which no block begins.
  char Take() {
    const char byte = rest_.empty() ? '\0' : rest_.front();
    Skip(1);
    return byte;
  }
  // Of a colour table, from the flags of a descriptor.
  void SkipColours(char flags) {
    constexpr unsigned kPresent = 0x80, kSize = 0x07;
    const auto bits = static_cast<unsigned char>(flags);
    if ((bits & kPresent) != 0) Skip(size_t{3} << ((bits & kSize) + 1));
  }
  // The contents of sub-blocks up to the empty one.
  std::string TakeSubBlocks(bool keep) {
    std::string text;
    while (const auto size = static_cast<unsigned char>(Take())) {
      if (keep) text += rest_.substr(0, size);
      if (!Skip(size)) break;
    }
    return text;
  }

 private:
  std::string_view rest_;
};

}  // namespace

void AddGifComment(const std::string& path, std::string_view text) {
  std::string block{kExtension, kComment};
  for (; !text.empty(); text.remove_prefix(std::min(kMaxSubBlock, text.size()))) {
    const std::string_view part = text.substr(0, kMaxSubBlock);
    block += static_cast<char>(part.size());
    block += part;
  }
  block += '\0';
  block += kTrailer;
  FilePatch patch(path);
  patch.Require(patch.size() > 0 && patch.Read(patch.size() - 1, 1)[0] == kTrailer,
                "it does not end as a GIF file");
  patch.Write(patch.size() - 1, block);
  patch.Close();
}

std::string GifComment(std::string_view file) {
  std::string comment;
  if (!file.starts_with("GIF8")) return comment;
  Blocks blocks(file);
  constexpr size_t kBeforeFlags = 10, kAfterFlags = 2;  // signature and size; colour and aspect
  if (!blocks.Skip(kBeforeFlags)) return comment;
  const char flags = blocks.Take();
  blocks.Skip(kAfterFlags);
  blocks.SkipColours(flags);
  while (true) {
    const char block = blocks.Take();
    if (block == kImage) {
      constexpr size_t kPlace = 8;
      blocks.Skip(kPlace);
      blocks.SkipColours(blocks.Take());
      blocks.Skip(1);  // the size of codes
      blocks.TakeSubBlocks(/*keep=*/false);
    } else if (block == kExtension) {
      const bool is_comment = blocks.Take() == kComment;
      std::string text = blocks.TakeSubBlocks(is_comment);
      if (is_comment) comment = std::move(text);
    } else {
      return comment;  // the trailer, the end or damage
    }
  }
}

}  // namespace t3
