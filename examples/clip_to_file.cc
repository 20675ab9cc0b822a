// A clip to a file: example_clip_to_file MODEL OUTPUT
#include <t3video/engine.h>
#include <t3video/error.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: example_clip_to_file MODEL OUTPUT\n";
    return 2;
  }
  try {
    t3::ModelFiles files;
    files.model = argv[1];
    t3::Engine engine(files, t3::RunOptions{});

    t3::Request request;
    request.prompt = "A red balloon over the sea at sunset.";
    request.params.size = t3::VideoSize{64, 64};
    request.params.frames = 5;
    request.params.steps = 2;
    request.output.path = argv[2];

    const auto progress = [](const t3::ProgressEvent& event) {
      if (event.stage == "denoising") std::cerr << "step " << event.done << "\n";
    };
    const t3::Result result = engine.Generate(request, progress);
    std::cout << result.output << ": " << result.frames << " frames\n";
  } catch (const t3::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
