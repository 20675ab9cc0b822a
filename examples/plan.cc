// What a video takes, before any weight is loaded: example_plan MODEL
#include <t3video/engine.h>
#include <t3video/error.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: example_plan MODEL\n";
    return 2;
  }
  try {
    t3::ModelFiles files;
    files.model = argv[1];
    t3::Engine engine(files, t3::RunOptions{});

    t3::Request request;
    request.prompt = "A red balloon over the sea at sunset.";
    request.params.size = t3::VideoSize{1280, 720};
    request.params.attention = t3::AttentionPattern::kT3;
    request.output.sink = [](const t3::Frame&) {};

    const t3::RunPlan plan = engine.Plan(request);
    std::cout << plan.video.grid.tokens() << " tokens, windows "
              << t3::FormatWindows(plan.attention.windows) << "\n";
    for (const t3::StageMemory& stage : plan.memory.stages)
      std::cout << stage.name() << ": " << stage.total() / 1'000'000 << " MB\n";
    if (plan.time) std::cout << "about " << plan.time->denoising << " s of denoising\n";
    if (plan.refusal) std::cout << "it does not fit: " << plan.refusal->what() << "\n";
    // engine.Run(plan) would do it.
  } catch (const t3::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
