// Weight files that must be refused, built from code: each with a part of the message it must give.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace t3 {

struct HostileFile {
  std::string name;
  std::string bytes;
  std::string message;                                        // the error contains it
  std::vector<std::pair<std::string, std::string>> siblings;  // files beside it: name, bytes
};

// The files of all lists.
inline std::vector<HostileFile> Together(std::initializer_list<std::vector<HostileFile>> lists) {
  std::vector<HostileFile> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

std::vector<HostileFile> HostileSafetensors();
std::vector<HostileFile> HostileIndexes();
std::vector<HostileFile> HostileZips();
std::vector<HostileFile> HostileGgufs();
std::vector<HostileFile> HostilePickles();  // inside a torch zip or a legacy file
std::vector<HostileFile> ForeignFiles();    // no weight files at all

// Inputs to start a fuzz target from.
struct SeedFile {
  std::string target;  // safetensors, json_index, zip, pickle, gguf
  std::string name;
  std::string bytes;
};

// The hostile files and some valid ones. Pickles are given bare.
std::vector<SeedFile> SeedFiles();

}  // namespace t3
