// Encoded prompts of a long list, until their video's turn comes.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/unnamed_file.h"
#include "pipeline/text_embeds.h"

namespace t3 {

// Keeps the first ones in memory and the others in a file without a name, so that memory does not
// grow with the list and nothing is left of the file whatever becomes of the process.
class EmbedSpool {
 public:
  // `folder`: where the file is made when it is needed.
  explicit EmbedSpool(std::string folder);
  EmbedSpool(const EmbedSpool&) = delete;
  EmbedSpool& operator=(const EmbedSpool&) = delete;

  // Throws Error when the disk is full.
  void Add(const std::string& text, const EncodedText& encoded);
  // Of a text that was added.
  EncodedText Read(const std::string& text) const;

 private:
  struct Entry {
    EncodedText encoded;  // its embeds are undefined where they are in the file
    at::Tensor like;      // an empty tensor of the dtype
    int64_t offset = 0;   // in the file
    int64_t rows = 0, width = 0;
  };

  void Write(Entry& entry, const at::Tensor& embeds);

  std::string folder_;
  std::map<std::string, Entry> entries_;
  int64_t buffered_ = 0;  // bytes in memory
  int64_t size_ = 0;      // of the file
  UnnamedFile file_;      // opened when it is needed
};

}  // namespace t3
