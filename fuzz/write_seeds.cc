// Writes seed inputs for the fuzz targets: DIR/{safetensors,json_index,zip,pickle,gguf}/NAME are
// the valid and hostile files of the unit tests, picture_comment/NAME small ones with a
// comment, and brisque/model a small model.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "weights/testing/hostile_files.h"

namespace {

// A GIF of no picture, and an XMP packet.
constexpr std::string_view kGif("GIF89a\x01\0\x01\0\0\0\0\x21\xfe\x02{}\0\x3b", 20);
constexpr std::string_view kXmp =
    "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">{&quot;&amp;}</rdf:li>";

constexpr std::string_view kBrisque =
    "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nrho 1\ntotal_sv 2\nSV\n1 1:0.5 36:-2e-3 "
    "\n-3 2:1\n";

void WriteSeed(const std::string& folder, const t3::SeedFile& seed) {
  const std::filesystem::path target = std::filesystem::path(folder) / seed.target;
  std::filesystem::create_directories(target);
  std::ofstream(target / seed.name, std::ios::binary) << seed.bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_write_seeds DIR\n");
    return 2;
  }
  for (const t3::SeedFile& seed : t3::SeedFiles()) WriteSeed(argv[1], seed);
  WriteSeed(argv[1], {"picture_comment", "gif", std::string(kGif)});
  WriteSeed(argv[1], {"picture_comment", "xmp", std::string(kXmp)});
  WriteSeed(argv[1], {"brisque", "model", std::string(kBrisque)});
  return 0;
}
