// Writes seed inputs for the fuzz targets: DIR/{safetensors,json_index,zip,pickle,gguf}/NAME. They
// are the valid and hostile files of the unit tests.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "weights/testing/hostile_files.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_write_seeds DIR\n");
    return 2;
  }
  for (const t3::SeedFile& seed : t3::SeedFiles()) {
    const std::filesystem::path folder = std::filesystem::path(argv[1]) / seed.target;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / seed.name, std::ios::binary) << seed.bytes;
  }
  return 0;
}
