// Recognition by the first bytes.
#include "weights/file_kind.h"

#include <algorithm>

#include "base/lower_case.h"
#include "base/text.h"
#include "weights/torch_file.h"

namespace t3 {
namespace {

struct Signature {
  std::string_view start;
  std::string_view description;
};

constexpr Signature kSignatures[] = {
    {"version https://git-lfs",
     "a Git LFS pointer, not the file it points to; run 'git lfs pull' or download it again"},
    {"<!doctype html", "an HTML page; the download link gave a web page instead of the file"},
    {"<html", "an HTML page; the download link gave a web page instead of the file"},
    {"<?xml", "an XML page, probably a server's error message; download the file again"},
    {"\x1f\x8b", "a gzip archive; unpack it first"},
    {"BZh", "a bzip2 archive; unpack it first"},
    {"\xfd"
     "7zXZ",
     "an xz archive; unpack it first"},
    {"\x28\xb5\x2f\xfd", "a zstd archive; unpack it first"},
    {"7z\xbc\xaf", "a 7z archive; unpack it first"},
    {"Rar!", "a RAR archive; unpack it first"},
    {"\x89HDF", "an HDF5 file, which is not supported"},
    {"\x93NUMPY", "a NumPy array, which is not supported"},
    {"\x7f"
     "ELF",
     "a program"},
    {"\x89PNG", "a PNG image"},
    {"\x80", "a Python pickle that torch.save did not write"},
};

// u64 length of the header, then its '{'. The length is not compared with the file's, so that a
// truncated file is reported as truncated.
bool LooksLikeSafetensors(Bytes file) {
  if (file.size() < 9) return false;
  ByteReader reader(file, "the file");
  return reader.Read<uint64_t>() < uint64_t{1} << 40 && reader.Read<uint8_t>() == '{';
}

}  // namespace

FileKind RecogniseFile(Bytes file) {
  const std::string_view text = AsText(file);
  if (LooksLikeSafetensors(file)) return FileKind::kSafetensors;
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return FileKind::kTorchZip;
  if (IsTorchLegacy(file)) return FileKind::kTorchLegacy;
  if (text.starts_with("GGUF")) return FileKind::kGguf;
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') return FileKind::kShardIndex;
  return FileKind::kUnknown;
}

std::string DescribeUnknown(Bytes file) {
  if (file.empty()) return "it is empty; the download or copy did not finish";
  const std::string_view text = AsText(file.first(std::min<size_t>(file.size(), 512)));
  const std::string lower =
      AsciiLowerCase(text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size())));
  for (const auto& [start, description] : kSignatures) {
    if (text.starts_with(start) || lower.starts_with(start)) {
      return fmt::format("it is {}", description);
    }
  }
  if (std::all_of(text.begin(), text.end(), [](char c) { return c == '\0'; })) {
    return "it begins with zeros; the download or copy did not finish";
  }
  constexpr size_t kShortest = 9;  // of files that can be recognised
  if (file.size() < kShortest) {
    return fmt::format("it is truncated: it has only {} byte{}, {}; fetch it again", file.size(),
                       file.size() == 1 ? "" : "s", Quote(text));
  }
  return fmt::format(
      "it is not a safetensors file, shard index, torch file or GGUF file; it begins with {}",
      Quote(text.substr(0, 16)));
}

}  // namespace t3
