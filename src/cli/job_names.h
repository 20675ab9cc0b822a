// Names of a job's outputs: each is one video's alone, now and in earlier jobs of the folder.
#pragma once

#include <map>
#include <set>
#include <string>

namespace t3 {

class JobNames {
 public:
  // `name` belongs to the video that `content` describes: of an earlier job.
  void Reserve(const std::string& name, const std::string& content);

  // `wanted`, or "wanted-2" and so on where that is another video's. A video that has been given a
  // name before keeps it, so that a repeated command finds what is finished.
  std::string Choose(const std::string& wanted, const std::string& content);

 private:
  std::map<std::string, std::string> reserved_;  // name -> content
  std::set<std::string> chosen_;
};

}  // namespace t3
