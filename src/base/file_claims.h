// Every file that a command reads or writes, and what for.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace t3 {

// Refuses that one file serves two purposes of which one is an output: its path, the path behind
// symbolic links and its inode are compared. Empty paths are none.
class FileClaims {
 public:
  // `what` names the purpose in messages: "the image". Throw Error of kind kUsage that names both
  // purposes. A file may be read for several. Pipes and devices are refused as ResolveTarget does.
  void Read(const std::string& what, const std::string& path);
  void Write(const std::string& what, const std::string& path);
  // A folder whose files are replaced: nothing in it may be read or written otherwise.
  void WriteFolder(const std::string& what, const std::string& path);

 private:
  enum class Kind { kRead, kFile, kFolder };
  struct Claim {
    std::string what;
    std::string path;  // as given
    Kind kind = Kind::kRead;
  };

  void Add(const Claim& claim);
  void CheckAgainst(const std::string& key, const Claim& claim) const;
  void CheckFolders(const std::string& absolute, const Claim& claim) const;
  std::string Absolute(const std::string& path);

  // By absolute path, and by inode where there is a file.
  std::map<std::string, Claim> claims_;
  std::map<std::string, std::string> folders_;  // as given -> canonical
};

}  // namespace t3
