// Uses every public header of an installed t3video, and plans a video with it.
#include <t3video/attention_counts.h>
#include <t3video/bench.h>
#include <t3video/cancel.h>
#include <t3video/convolution_counts.h>
#include <t3video/engine.h>
#include <t3video/error.h>
#include <t3video/eval.h>
#include <t3video/inspect.h>
#include <t3video/memory_outlook.h>
#include <t3video/options.h>
#include <t3video/plan.h>
#include <t3video/prepare.h>
#include <t3video/progress.h>
#include <t3video/request.h>
#include <t3video/request_options.h>
#include <t3video/run.h>
#include <t3video/tools.h>
#include <t3video/train.h>
#include <t3video/version.h>
#include <t3video/world.h>

#include <iostream>

int main() {
  std::cout << t3::DescribeBuild();

  t3::PlanRequest request;
  request.preset = "wan2.1-1.3b-t3";
  request.params.size = t3::VideoSize{3840, 2176};
  request.params.frames = 81;
  std::cout << t3::Plan(request).work.attention / 1e12 << " TMAC of attention\n";

  // An error of the library crosses its boundary as its own type.
  try {
    t3::Engine engine(t3::ModelFiles{.model = "/nonexistent"}, t3::RunOptions{});
  } catch (const t3::Error& error) {
    std::cout << "expected error: " << error.what() << '\n';
    return 0;
  }
  std::cerr << "a model that is not there was opened\n";
  return 1;
}
