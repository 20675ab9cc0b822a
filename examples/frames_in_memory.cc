// An image in memory to frames in memory, without a file: example_frames_in_memory MODEL
#include <t3video/engine.h>
#include <t3video/error.h>

#include <iostream>
#include <numeric>
#include <vector>

namespace {

// A frame as a program would show or send it: (height,width,3) bytes.
void Show(const t3::Frame& frame) {
  const std::vector<uint8_t> rgb = t3::ToRgb8(frame);
  const long sum = std::accumulate(rgb.begin(), rgb.end(), 0L);
  std::cout << "frame " << frame.index << ": mean colour " << sum / static_cast<long>(rgb.size())
            << " of 255\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: example_frames_in_memory MODEL\n";
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
    // A model that makes video from images starts with this one:
    //   request.image.width = 64; request.image.height = 64; request.image.rgb = pixels;
    request.output.sink = Show;
    engine.Generate(request);
  } catch (const t3::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
