// CLIP's tokenizer: byte-pair encoding of lower-case words.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace t3 {

// Ids: the 256 bytes, the bytes that end a word, the merges in their order, start, end.
class ClipTokenizer {
 public:
  // Reads the merges from merges.txt or tokenizer.json, which come with CLIP's weights, or from
  // OpenAI's bpe_simple_vocab_16e6.txt (unpacked); takes those that `vocab_size` ids ask for.
  // Throws Error that names the file where it has fewer, or a merge of symbols that do not exist.
  ClipTokenizer(const std::string& path, int64_t vocab_size);

  // Start, the text's ids, end; at most `context` in all: of a longer text the first ids. The text
  // is cleaned (CleanText) and lower-cased, character by character: the Greek final sigma, which
  // Python chooses by its neighbours, is not.
  std::vector<int32_t> Encode(std::string_view text, int64_t context) const;

  int32_t start_id() const { return static_cast<int32_t>(vocab_size_ - 2); }
  int32_t end_id() const { return static_cast<int32_t>(vocab_size_ - 1); }

 private:
  struct Merge {
    int64_t rank = 0;
    int32_t id = 0;
  };
  void AddMerges(const std::vector<std::string>& merges, const std::string& path);
  // Appends the ids of one word, UTF-8.
  void EncodeWord(std::string_view word, std::vector<int32_t>* ids) const;

  int64_t vocab_size_;
  std::map<std::pair<int32_t, int32_t>, Merge> merges_;  // of two ids
};

// The words that CLIP encodes one by one: letters; single digits; other characters; and the English
// endings 's, 't, 're, 've, 'm, 'll, 'd. `text` in lower case.
std::vector<std::u32string> SplitClipWords(std::u32string_view text);

}  // namespace t3
