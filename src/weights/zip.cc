// ParseZip.
#include "weights/zip.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"

namespace t3 {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kZip64End = 0x06064b50;
constexpr uint32_t kZip64Locator = 0x07064b50;
constexpr size_t kEndSize = 22;
constexpr size_t kLocatorSize = 20;
constexpr size_t kCentralSize = 46;
constexpr uint16_t kZip64Extra = 0x0001;
constexpr uint16_t kEncrypted = 1 << 0;
constexpr uint16_t kSizesFollow = 1 << 3;  // local sizes are 0, a data descriptor follows the data
constexpr uint16_t kStrongEncryption = 1 << 6;
constexpr uint16_t kSaturated16 = 0xFFFF;
constexpr uint32_t kSaturated32 = 0xFFFFFFFF;
constexpr std::string_view kScriptCode = "/code/";  // of TorchScript archives

struct Directory {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint64_t offset = 0;
};

struct Member {
  std::string name;
  uint64_t bytes = 0;
  uint64_t offset = 0;  // of the local header
  bool left_out = false;
};

uint32_t SignatureAt(Bytes file, size_t position) {
  return ByteReader(file.subspan(position), "the zip").Read<uint32_t>();
}

// The end record closes the file, but for a comment of up to 65535 bytes.
size_t FindEnd(Bytes file) {
  const size_t lowest =
      file.size() > kEndSize + kSaturated16 ? file.size() - kEndSize - kSaturated16 : 0;
  for (size_t at = file.size(); at >= lowest + kEndSize; --at) {
    const size_t start = at - kEndSize;
    if (SignatureAt(file, start) != kEnd) continue;
    ByteReader comment(file.subspan(start + kEndSize - 2), "the zip's comment");
    if (comment.Read<uint16_t>() == comment.remaining()) return start;
  }
  Fail("the zip has no end record: the file is truncated; fetch it again");
}

Directory ReadZip64End(Bytes file, size_t locator) {
  ByteReader reader(file.subspan(locator + 4), "the ZIP64 locator");
  const auto disk = reader.Read<uint32_t>();
  const auto at = reader.Read<uint64_t>();
  const auto disks = reader.Read<uint32_t>();
  T3_CHECK(disk == 0 && disks <= 1, "the zip spans several disks, wanted one file");
  T3_CHECK(at < locator, "the ZIP64 end record is said to be at byte {}, after its locator at {}",
           at, locator);
  ByteReader end(file.subspan(at, locator - at), "the ZIP64 end record");
  T3_CHECK(end.Read<uint32_t>() == kZip64End, "no ZIP64 end record at byte {}, where it should be",
           at);
  end.Take(8 + 2 + 2);  // record size, versions
  const auto own_disk = end.Read<uint32_t>();
  const auto directory_disk = end.Read<uint32_t>();
  const auto entries_here = end.Read<uint64_t>();
  Directory directory;
  directory.entries = end.Read<uint64_t>();
  directory.bytes = end.Read<uint64_t>();
  directory.offset = end.Read<uint64_t>();
  T3_CHECK(own_disk == 0 && directory_disk == 0 && entries_here == directory.entries,
           "the zip spans several disks, wanted one file");
  return directory;
}

// Where the plain record states a value, the ZIP64 record must state the same: readers that look at
// different ones would see different archives.
template <typename T>
void CheckAgrees(T plain, T saturated, uint64_t zip64, const char* what) {
  T3_CHECK(plain == saturated || plain == zip64,
           "the zip's end records disagree about its {}: {} and {}", what, plain, zip64);
}

Directory ReadDirectory(Bytes file) {
  const size_t at = FindEnd(file);
  ByteReader end(file.subspan(at + 4), "the zip's end record");
  const auto disk = end.Read<uint16_t>();
  const auto directory_disk = end.Read<uint16_t>();
  const auto entries_here = end.Read<uint16_t>();
  const auto entries = end.Read<uint16_t>();
  const auto bytes = end.Read<uint32_t>();
  const auto offset = end.Read<uint32_t>();
  T3_CHECK((disk == 0 || disk == kSaturated16) &&
               (directory_disk == 0 || directory_disk == kSaturated16) && entries_here == entries,
           "the zip spans several disks, wanted one file");
  Directory directory{entries, bytes, offset};
  size_t limit = at;
  if (at >= kLocatorSize && SignatureAt(file, at - kLocatorSize) == kZip64Locator) {
    limit = at - kLocatorSize;
    directory = ReadZip64End(file, limit);
    CheckAgrees(entries, kSaturated16, directory.entries, "number of entries");
    CheckAgrees(bytes, kSaturated32, directory.bytes, "directory's size");
    CheckAgrees(offset, kSaturated32, directory.offset, "directory's place");
  }
  T3_CHECK(directory.offset <= limit && directory.bytes <= limit - directory.offset,
           "the zip's directory ({} bytes at {}) does not fit before byte {}: the file is damaged",
           directory.bytes, directory.offset, limit);
  T3_CHECK(directory.entries <= directory.bytes / kCentralSize,
           "the zip claims {} entries in a directory of {} bytes", directory.entries,
           directory.bytes);
  return directory;
}

void CheckName(std::string_view name) {
  bool good = !name.empty() && name.front() != '/' && IsUtf8(name) &&
              name.find_first_of(std::string_view("\\\0", 2)) == std::string_view::npos;
  for (size_t start = 0; good && start <= name.size();) {
    const size_t slash = std::min(name.find('/', start), name.size());
    good = name.substr(start, slash - start) != "..";
    start = slash + 1;
  }
  T3_CHECK(good, "the zip entry name {} is not a plain relative path", Quote(name));
}

// Takes the 64-bit values for the fields that are saturated in the central header.
void ApplyZip64Extra(Bytes extra, uint64_t& size, uint64_t& stored_size, uint64_t& offset) {
  ByteReader reader(extra, "a zip entry's extra field");
  while (reader.remaining() >= 4) {
    const auto id = reader.Read<uint16_t>();
    const Bytes body = reader.Take(reader.Read<uint16_t>());
    if (id != kZip64Extra) continue;
    ByteReader values(body, "a zip entry's ZIP64 field");
    for (uint64_t* value : {&size, &stored_size, &offset}) {
      if (*value == kSaturated32) *value = values.Read<uint64_t>();
    }
    return;
  }
}

Member ReadMember(ByteReader& reader) {
  T3_CHECK(reader.Read<uint32_t>() == kCentralHeader, "the zip's directory is damaged at byte {}",
           reader.position() - 4);
  reader.Take(2 + 2);  // versions
  const auto flags = reader.Read<uint16_t>();
  const auto method = reader.Read<uint16_t>();
  reader.Take(2 + 2 + 4);  // time, date, checksum
  uint64_t stored_size = reader.Read<uint32_t>();
  Member entry;
  entry.bytes = reader.Read<uint32_t>();
  const auto name_size = reader.Read<uint16_t>();
  const auto extra_size = reader.Read<uint16_t>();
  const auto comment_size = reader.Read<uint16_t>();
  const auto disk = reader.Read<uint16_t>();
  reader.Take(2 + 4);  // attributes
  entry.offset = reader.Read<uint32_t>();
  entry.name = AsText(reader.Take(name_size));
  CheckName(entry.name);
  ApplyZip64Extra(reader.Take(extra_size), entry.bytes, stored_size, entry.offset);
  reader.Take(comment_size);
  const std::string name = Quote(entry.name);
  T3_CHECK((flags & (kEncrypted | kStrongEncryption)) == 0, "the zip entry {} is encrypted", name);
  if (method != 0 && entry.name.find(kScriptCode) != std::string::npos) {
    entry.left_out = true;
    return entry;
  }
  T3_CHECK(method == 0, "the zip entry {} is compressed (method {}); torch.save only stores", name,
           method);
  T3_CHECK(entry.bytes == stored_size, "the zip entry {} is stored, but {} bytes became {}", name,
           stored_size, entry.bytes);
  T3_CHECK(disk == 0 || disk == kSaturated16, "the zip entry {} is on another disk", name);
  return entry;
}

// Where the entry's data begin: its local header repeats the name, but its extra field (alignment
// padding) differs. Throws unless header and data end before `limit`.
Bytes EntryData(Bytes file, const Member& entry, uint64_t limit) {
  const std::string name = Quote(entry.name);
  T3_CHECK(entry.offset < limit,
           "the zip entry {} is said to begin at byte {}, its area ends at {}", name, entry.offset,
           limit);
  const std::string what = "the zip entry " + name;
  ByteReader reader(file.subspan(entry.offset, limit - entry.offset), what);
  T3_CHECK(reader.Read<uint32_t>() == kLocalHeader, "the zip entry {} has no header at byte {}",
           name, entry.offset);
  reader.Take(2);
  const auto flags = reader.Read<uint16_t>();
  const auto method = reader.Read<uint16_t>();
  reader.Take(2 + 2 + 4);
  const auto stored_size = reader.Read<uint32_t>();
  const auto size = reader.Read<uint32_t>();
  const auto name_size = reader.Read<uint16_t>();
  const auto extra_size = reader.Read<uint16_t>();
  const bool agrees =
      (flags & kEncrypted) == 0 && method == 0 && AsText(reader.Take(name_size)) == entry.name;
  const bool sizes_agree =
      (flags & kSizesFollow) != 0 || ((size == entry.bytes || size == kSaturated32) &&
                                      (stored_size == entry.bytes || stored_size == kSaturated32));
  T3_CHECK(agrees && sizes_agree, "the zip entry {}: directory and local header disagree", name);
  reader.Take(extra_size);
  T3_CHECK(entry.bytes <= reader.remaining(),
           "the zip entry {} claims {} bytes, {} are left before the directory", name, entry.bytes,
           reader.remaining());
  return reader.Take(entry.bytes);
}

}  // namespace

std::map<std::string, Bytes> ParseZip(Bytes file) {
  const Directory directory = ReadDirectory(file);
  ByteReader reader(file.subspan(directory.offset, directory.bytes), "the zip's directory");
  std::vector<Member> entries;
  for (uint64_t i = 0; i < directory.entries; ++i) entries.push_back(ReadMember(reader));
  T3_CHECK(reader.remaining() == 0, "the zip's directory holds {} bytes after its {} entries",
           reader.remaining(), directory.entries);
  std::sort(entries.begin(), entries.end(),
            [](const Member& a, const Member& b) { return a.offset < b.offset; });
  std::map<std::string, Bytes> files;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].left_out) continue;
    // An entry ends where the next begins, but never in the directory: the next one's offset is not
    // checked yet.
    const uint64_t next = i + 1 < entries.size() ? entries[i + 1].offset : directory.offset;
    const uint64_t limit = std::min(next, directory.offset);
    const bool added = files.emplace(entries[i].name, EntryData(file, entries[i], limit)).second;
    T3_CHECK(added, "the zip holds {} twice", Quote(entries[i].name));
  }
  return files;
}

}  // namespace t3
