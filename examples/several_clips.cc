// Several clips by one load of each network: example_several_clips MODEL FOLDER
#include <t3video/engine.h>
#include <t3video/error.h>

#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace {

std::vector<t3::Request> MakeRequests(const std::string& folder) {
  std::vector<t3::Request> requests;
  for (const char* prompt : {"A red balloon over the sea.", "A green hill in the rain."}) {
    t3::Request& request = requests.emplace_back();
    request.prompt = prompt;
    request.params.size = t3::VideoSize{64, 32};
    request.params.frames = 5;
    request.params.steps = 2;
    request.output.path = folder + "/clip" + std::to_string(requests.size()) + ".mp4";
  }
  return requests;
}

// One that fails does not stop the others.
void Report(size_t index, const t3::Outcome& outcome) {
  try {
    if (outcome.error) std::rethrow_exception(outcome.error);
    std::cout << outcome.result.output << "\n";
  } catch (const t3::Error& error) {
    std::cerr << "clip " << index + 1 << ": " << error.what() << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: example_several_clips MODEL FOLDER\n";
    return 2;
  }
  try {
    std::filesystem::create_directories(argv[2]);
    t3::ModelFiles files;
    files.model = argv[1];
    t3::Engine engine(files, t3::RunOptions{});
    engine.GenerateAll(MakeRequests(argv[2]), {}, nullptr, Report);
  } catch (const t3::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
