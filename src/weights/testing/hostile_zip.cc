// Zip archives and other files that must be refused.
#include "weights/testing/hostile_files.h"
#include "weights/testing/test_files.h"

namespace t3 {

using test::Le;
using test::Zip;
using test::ZipEntrySpec;
using test::ZipSpec;

namespace {

constexpr uint32_t kSaturated = 0xFFFFFFFF;  // the true value is in the ZIP64 field

ZipSpec Good() {
  ZipSpec spec;
  spec.entries = {{.name = "archive/data.pkl",
                   .data = test::pickle::Whole(
                       test::pickle::Dict({test::pickle::Str("w"), test::pickle::Tensor()}))},
                  {.name = "archive/data/0", .data = test::SixFloats()}};
  return spec;
}

// The good archive after `change`.
template <typename Change>
std::string With(const Change& change) {
  ZipSpec spec = Good();
  change(spec);
  return Zip(spec);
}

template <typename Change>
std::string WithEntry(const Change& change) {
  ZipSpec spec = Good();
  change(spec.entries[1]);
  return Zip(spec);
}

std::string Named(const std::string& name) {
  return WithEntry([&](ZipEntrySpec& entry) { entry.name = name; });
}

std::string ByteOrder(const std::string& order) {
  return With(
      [&](ZipSpec& spec) { spec.entries.push_back({.name = "archive/byteorder", .data = order}); });
}

std::string Zip64Extra(std::initializer_list<uint64_t> values) {
  std::string extra = Le(1, 2) + Le(values.size() * 8, 2);
  for (const uint64_t value : values) extra += Le(value, 8);
  return extra;
}

std::vector<HostileFile> TornZips() {
  const std::string good = Zip(Good());
  return {
      {"zip_signature_only", "PK\x03\x04", "no end record", {}},
      {"zip_cut_in_data", good.substr(0, good.size() / 3), "no end record", {}},
      {"zip_cut_in_directory", good.substr(0, good.size() - 60), "no end record", {}},
      {"zip_cut_in_end", good.substr(0, good.size() - 1), "no end record", {}},
      {"zip_trailing_bytes", good + "x", "no end record", {}},
      {"zip_without_start",
       "PK\x03\x04" + good.substr(good.size() - 22),
       "does not fit before",
       {}},
      {"zip_empty", Zip({}), "ordinary zip (0 entries", {}},
      {"zip_plain",
       Zip({.entries = {{.name = "readme.txt", .data = "hello"}}}),
       "ordinary zip (1 entries",
       {}},
  };
}

std::vector<HostileFile> WrongZipEntries() {
  return {
      {"zip_encrypted", WithEntry([](ZipEntrySpec& e) { e.flags = 1; }), "is encrypted", {}},
      {"zip_strongly_encrypted",
       WithEntry([](ZipEntrySpec& e) { e.flags = 64; }),
       "is encrypted",
       {}},
      {"zip_deflated",
       WithEntry([](ZipEntrySpec& e) { e.method = 8; }),
       "is compressed (method 8)",
       {}},
      {"zip_bomb_sizes",
       WithEntry([](ZipEntrySpec& e) { e.size = 0xFFFFFFF0; }),
       "24 bytes became",
       {}},
      {"zip_entry_too_long",
       WithEntry([](ZipEntrySpec& e) { e.size = e.stored_size = 1 << 30; }),
       "claims 1073741824 bytes",
       {}},
      {"zip_entry_runs_into_next",
       With([](ZipSpec& s) { s.entries[0].size = s.entries[0].stored_size = 300; }),
       "'archive/data.pkl' claims 300 bytes",
       {}},
  };
}

std::vector<HostileFile> WrongZipOffsets() {
  return {
      {"zip_offset_beyond_file",
       WithEntry([](ZipEntrySpec& e) { e.offset = 0x7FFFFFFF; }),
       "is said to begin at byte 2147483647",
       {}},
      {"zip_offsets_beyond_file",
       With([](ZipSpec& s) {
         s.entries[0].offset = 0x70000000;
         s.entries[1].offset = 0x7FFFFFFF;
       }),
       "'archive/data.pkl' is said to begin at byte 1879048192",
       {}},
      {"zip_offset_into_data",
       With([](ZipSpec& s) { s.entries[0].offset = 40; }),
       "has no header at byte 40",
       {}},
      {"zip_offset_into_directory",
       With([](ZipSpec& s) { s.entries[1].offset = static_cast<uint32_t>(Zip(s).size() - 60); }),
       "is said to begin at byte",
       {}},
      {"zip_same_offset",
       WithEntry([](ZipEntrySpec& e) { e.offset = 0; }),
       "is said to begin at",
       {}},
  };
}

std::vector<HostileFile> WrongZipNames() {
  return {
      {"zip_duplicate", Named("archive/data.pkl"), "holds 'archive/data.pkl' twice", {}},
      {"zip_two_pickles", Named("other/data.pkl"), "holds several data.pkl", {}},
      {"zip_parent_name", Named("archive/../../x"), "not a plain relative path", {}},
      {"zip_absolute_name", Named("/etc/passwd"), "not a plain relative path", {}},
      {"zip_backslash_name", Named("archive\\x"), "not a plain relative path", {}},
      {"zip_nul_name", Named(std::string("archive/\0x", 10)), "not a plain relative path", {}},
      {"zip_bad_utf8_name", Named("archive/\xff"), "not a plain relative path", {}},
      {"zip_empty_name", Named(""), "not a plain relative path", {}},
      {"zip_local_name_differs",
       WithEntry([](ZipEntrySpec& e) { e.local_name = "archive/data/1"; }),
       "directory and local header disagree",
       {}},
  };
}

std::vector<HostileFile> WrongZipDirectories() {
  return {
      {"zip_other_disk", WithEntry([](ZipEntrySpec& e) { e.disk = 3; }), "is on another disk", {}},
      {"zip_spans_disks", With([](ZipSpec& s) { s.disk = 1; }), "spans several disks", {}},
      {"zip_count_too_high",
       With([](ZipSpec& s) { s.count = 60'000; }),
       "claims 60000 entries",
       {}},
      {"zip_count_too_low", With([](ZipSpec& s) { s.count = 1; }), "after its 1 entries", {}},
      {"zip_directory_huge",
       With([](ZipSpec& s) { s.directory_bytes = 0x7FFFFFFF; }),
       "does not fit before",
       {}},
      {"zip_directory_elsewhere",
       With([](ZipSpec& s) { s.directory_offset = 3; }),
       "directory is damaged at byte 0",
       {}},
      {"zip_directory_short",
       With([](ZipSpec& s) { s.directory_bytes = 100; }),
       "directory is truncated",
       {}},
  };
}

std::vector<HostileFile> WrongZip64Ends() {
  return {
      {"zip64_end_beyond_file",
       With([](ZipSpec& s) {
         s.zip64 = true;
         s.zip64_end_offset = ~uint64_t{0};
       }),
       "ZIP64 end record is said to be at byte 18446744073709551615",
       {}},
      {"zip64_end_elsewhere",
       With([](ZipSpec& s) {
         s.zip64 = true;
         s.zip64_end_offset = 0;
       }),
       "no ZIP64 end record at byte 0",
       {}},
      {"zip64_huge_count",
       With([](ZipSpec& s) {
         s.zip64 = true;
         s.count = uint64_t{1} << 60;
       }),
       "claims 1152921504606846976 entries",
       {}},
      {"zip64_huge_directory",
       With([](ZipSpec& s) {
         s.zip64 = true;
         s.directory_bytes = ~uint64_t{0} - 10;
       }),
       "does not fit before",
       {}},
      {"zip64_wrapping_directory",
       With([](ZipSpec& s) {
         s.zip64 = true;
         s.directory_offset = ~uint64_t{0} - 10;
         s.directory_bytes = 20;
       }),
       "does not fit before",
       {}},
  };
}

std::vector<HostileFile> WrongZipFields() {
  return {
      {"zip64_entry_without_field",
       WithEntry([](ZipEntrySpec& e) { e.size = e.stored_size = kSaturated; }),
       "claims 4294967295 bytes",
       {}},
      {"zip64_entry_short_field",
       WithEntry([](ZipEntrySpec& e) {
         e.size = e.stored_size = kSaturated;
         e.central_extra = Zip64Extra({24});
       }),
       "ZIP64 field is truncated",
       {}},
      {"zip64_entry_huge",
       WithEntry([](ZipEntrySpec& e) {
         e.size = e.stored_size = kSaturated;
         e.central_extra = Zip64Extra({~uint64_t{0}, ~uint64_t{0}});
       }),
       "claims 18446744073709551615 bytes",
       {}},
      {"zip_extra_too_long",
       WithEntry([](ZipEntrySpec& e) { e.central_extra = Le(7, 2) + Le(500, 2); }),
       "extra field is truncated",
       {}},
      {"zip_big_endian", ByteOrder("big"), "byte order is 'big'", {}},
      {"zip_odd_byteorder", ByteOrder(std::string(1000, '\x1b')), R"(byte order is '\x1b\x1b)", {}},
  };
}

}  // namespace

std::vector<HostileFile> HostileZips() {
  return Together({TornZips(), WrongZipEntries(), WrongZipOffsets(), WrongZipNames(),
                   WrongZipDirectories(), WrongZip64Ends(), WrongZipFields()});
}

std::vector<HostileFile> ForeignFiles() {
  return {
      {"empty", "", "it is empty", {}},
      {"one_byte", "x", "it is truncated: it has only 1 byte, 'x'", {}},
      {"zeros", std::string(4096, '\0'), "it begins with zeros", {}},
      {"html", "\n<!DOCTYPE html><html><body>404</body>", "an HTML page", {}},
      {"lfs_pointer",
       "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 11\n",
       "a Git LFS pointer",
       {}},
      {"gzip", "\x1f\x8b\x08" + std::string(20, '\0'), "a gzip archive", {}},
      {"plain_pickle",
       test::pickle::Whole(test::pickle::Int(1)),
       "a Python pickle that torch.save did not write",
       {}},
      {"text", "hello world", "it begins with 'hello world'", {}},
      {"control_text", "\x1b[2J\x07 in a text", R"(it begins with '\x1b[2J\x07 in a text')", {}},
  };
}

}  // namespace t3
