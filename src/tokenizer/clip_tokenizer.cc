// ClipTokenizer.
#include "tokenizer/clip_tokenizer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/check.h"
#include "base/json.h"
#include "base/read_text.h"
#include "base/text.h"
#include "tokenizer/clean.h"
#include "tokenizer/unicode.h"

namespace t3 {
namespace {

constexpr int32_t kBytes = 256;
constexpr int64_t kSpecialIds = 2;  // start, end
constexpr std::string_view kWordEnd = "</w>";
// Bytes of a word that are encoded: more than a context holds, and the work grows with the square.
constexpr size_t kMaxWord = 2048;
constexpr std::array<std::u32string_view, 7> kEndings{U"'s", U"'t",  U"'re", U"'ve",
                                                      U"'m", U"'ll", U"'d"};

// The bytes in the order of their ids: first those that stand for themselves in a vocabulary file.
struct ByteSymbols {
  std::array<int32_t, kBytes> id_of{};
  std::array<std::string, kBytes> symbol{};  // by id
};

ByteSymbols MakeByteSymbols() {
  ByteSymbols bytes;
  int32_t id = 0;
  const auto add = [&](int32_t byte, char32_t shown) {
    bytes.id_of[static_cast<size_t>(byte)] = id;
    bytes.symbol[static_cast<size_t>(id++)] = EncodeUtf8(std::u32string(1, shown));
  };
  const auto shows_itself = [](int32_t byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
  };
  for (int32_t byte = 0; byte < kBytes; ++byte) {
    if (shows_itself(byte)) add(byte, static_cast<char32_t>(byte));
  }
  char32_t shown = kBytes;
  for (int32_t byte = 0; byte < kBytes; ++byte) {
    if (!shows_itself(byte)) add(byte, shown++);
  }
  return bytes;
}

const ByteSymbols& Symbols() {
  static const ByteSymbols symbols = MakeByteSymbols();
  return symbols;
}

// One merge a line; the first line is a heading.
std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t start = text.find('\n'); start != std::string::npos && start + 1 < text.size();) {
    const size_t end = std::min(text.find('\n', start + 1), text.size());
    lines.push_back(text.substr(start + 1, end - start - 1));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    start = end;
  }
  return lines;
}

// `model`.`merges` of tokenizer.json: "a b", or ["a", "b"].
std::vector<std::string> MergesOfJson(const std::string& path) {
  const nlohmann::json file = ReadJson(path, kLongLists);
  std::vector<std::string> merges;
  const auto list = file.is_object() && file.contains("model") ? file.at("model") : file;
  T3_CHECK(list.is_object() && list.contains("merges") && list.at("merges").is_array(),
           "{} has no `model.merges`; wanted the tokenizer.json of CLIP", path);
  for (const nlohmann::json& merge : list.at("merges")) {
    const bool pair =
        merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string();
    T3_CHECK(pair || merge.is_string(), "{}: merge {} is not two symbols", path, merges.size());
    merges.push_back(pair ? merge[0].get<std::string>() + " " + merge[1].get<std::string>()
                          : merge.get<std::string>());
  }
  return merges;
}

// The two symbols of "a b".
std::optional<std::pair<std::string, std::string>> SplitMerge(const std::string& merge) {
  const size_t space = merge.find(' ');
  if (space == std::string::npos || space == 0 || space + 1 == merge.size() ||
      merge.find(' ', space + 1) != std::string::npos) {
    return std::nullopt;
  }
  return std::pair(merge.substr(0, space), merge.substr(space + 1));
}

// The end of the run from `begin` on of characters for which `belongs` is true.
template <typename Belongs>
size_t RunEnd(std::u32string_view text, size_t begin, const Belongs& belongs) {
  size_t end = begin;
  while (end < text.size() && belongs(text[end])) ++end;
  return end;
}

bool IsOther(char32_t c) { return !IsSpace(c) && !IsLetter(c) && !IsNumber(c); }

size_t WordEnd(std::u32string_view text, size_t begin) {
  for (const std::u32string_view ending : kEndings) {
    if (text.substr(begin, ending.size()) == ending) return begin + ending.size();
  }
  if (IsLetter(text[begin])) return RunEnd(text, begin, IsLetter);
  if (IsNumber(text[begin])) return begin + 1;
  return RunEnd(text, begin, IsOther);
}

}  // namespace

std::vector<std::u32string> SplitClipWords(std::u32string_view text) {
  std::vector<std::u32string> words;
  for (size_t at = 0; at < text.size();) {
    if (IsSpace(text[at])) {
      ++at;
      continue;
    }
    const size_t end = WordEnd(text, at);
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

ClipTokenizer::ClipTokenizer(const std::string& path, int64_t vocab_size)
    : vocab_size_(vocab_size) {
  const int64_t wanted = vocab_size - 2 * kBytes - kSpecialIds;
  T3_CHECK(wanted >= 0, "CLIP has a vocabulary of {} entries; wanted at least {}", vocab_size,
           2 * kBytes + kSpecialIds);
  std::vector<std::string> merges =
      path.ends_with(".json") ? MergesOfJson(path) : LinesOf(ReadText(path));
  T3_CHECK(std::ssize(merges) >= wanted,
           "{} has {} merges; CLIP's vocabulary of {} entries needs {}", path, merges.size(),
           vocab_size, wanted);
  merges.resize(static_cast<size_t>(wanted));
  AddMerges(merges, path);
}

void ClipTokenizer::AddMerges(const std::vector<std::string>& merges, const std::string& path) {
  std::unordered_map<std::string, int32_t> ids;
  int32_t next = 0;
  for (const std::string& symbol : Symbols().symbol) ids[symbol] = next++;
  for (const std::string& symbol : Symbols().symbol) ids[symbol + std::string(kWordEnd)] = next++;
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& merge : merges) {
    const auto pair = SplitMerge(merge);
    T3_CHECK(pair.has_value(), "{}: merge {} is {}, wanted two symbols; is it unpacked?", path,
             pairs.size() + 1, Quote(merge));
    // Where two merges make one symbol, the later id counts, as in the published tokenizer.
    ids[pair->first + pair->second] = next++;
    pairs.push_back(*pair);
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto& [left, right] = pairs[i];
    T3_CHECK(ids.contains(left) && ids.contains(right),
             "{}: merge {} joins {} and {}, which no earlier merge makes", path, i + 1, Quote(left),
             Quote(right));
    merges_.emplace(std::pair(ids.at(left), ids.at(right)),
                    Merge{static_cast<int64_t>(i), ids.at(left + right)});
  }
}

void ClipTokenizer::EncodeWord(std::string_view word, std::vector<int32_t>* ids) const {
  std::vector<int32_t> symbols;
  for (const char c : word.substr(0, kMaxWord))
    symbols.push_back(Symbols().id_of[static_cast<unsigned char>(c)]);
  symbols.back() += kBytes;  // ends the word
  while (true) {
    const Merge* best = nullptr;
    std::pair<int32_t, int32_t> best_pair;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = merges_.find({symbols[i], symbols[i + 1]});
      if (found == merges_.end() || (best != nullptr && best->rank <= found->second.rank)) continue;
      best = &found->second;
      best_pair = found->first;
    }
    if (best == nullptr) break;
    std::vector<int32_t> joined;
    for (size_t i = 0; i < symbols.size(); ++i) {
      const bool here =
          i + 1 < symbols.size() && std::pair(symbols[i], symbols[i + 1]) == best_pair;
      joined.push_back(here ? best->id : symbols[i]);
      if (here) ++i;
    }
    symbols = std::move(joined);
  }
  ids->insert(ids->end(), symbols.begin(), symbols.end());
}

std::vector<int32_t> ClipTokenizer::Encode(std::string_view text, int64_t context) const {
  T3_CHECK(context >= kSpecialIds, "a context of {} ids is too short for a text", context);
  std::u32string lower = DecodeUtf8(CleanText(text));
  std::transform(lower.begin(), lower.end(), lower.begin(), LowerCase);
  std::vector<int32_t> ids{start_id()};
  for (const std::u32string& word : SplitClipWords(lower)) {
    if (std::ssize(ids) >= context) break;
    EncodeWord(EncodeUtf8(word), &ids);
  }
  ids.resize(static_cast<size_t>(std::min<int64_t>(std::ssize(ids), context - 1)));
  ids.push_back(end_id());
  return ids;
}

}  // namespace t3
