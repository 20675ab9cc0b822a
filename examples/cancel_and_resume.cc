// A run that is cancelled, and the same one resumed: example_cancel_and_resume MODEL OUTPUT
#include <t3video/cancel.h>
#include <t3video/engine.h>
#include <t3video/error.h>

#include <iostream>

namespace {

// Cancels when the first step is reported; the run stops after the step that it takes then.
void CancelEarly(t3::Engine& engine, const t3::Request& request) {
  t3::CancelToken cancel;
  const auto progress = [&](const t3::ProgressEvent& event) {
    if (event.stage == "denoising" && event.done == 1) cancel.Cancel();
  };
  try {
    engine.Generate(request, progress, &cancel);
  } catch (const t3::Error& error) {
    if (error.kind() != t3::ErrorKind::kInterrupted) throw;
    std::cout << error.what() << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: example_cancel_and_resume MODEL OUTPUT\n";
    return 2;
  }
  try {
    t3::ModelFiles files;
    files.model = argv[1];
    t3::Engine engine(files, t3::RunOptions{});

    t3::Request request;
    request.prompt = "A red balloon over the sea at sunset.";
    request.params.size = t3::VideoSize{64, 32};
    request.params.frames = 5;
    request.params.steps = 3;
    request.output.path = argv[2];

    CancelEarly(engine, request);
    const t3::Result result = engine.Generate(request);  // finds the state beside the output
    std::cout << result.output << ": resumed after step " << result.resumed_from << "\n";
  } catch (const t3::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
