// Metrics of finished videos, their means over the set: example_score_videos VIDEO...
#include <t3video/error.h>
#include <t3video/score.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: example_score_videos VIDEO...\n";
    return 2;
  }
  try {
    t3::ScoreRequest request;
    request.inputs.assign(argv + 1, argv + argc);
    request.metrics = {"si_ti", "blur"};

    const t3::ScoreResult result = t3::ScoreVideos(request);
    for (const t3::MetricSummary& summary : result.metrics) {
      std::cout << summary.metric.name << " " << summary.mean.mean << " " << summary.metric.unit
                << " over " << summary.mean.count << " clips\n";
    }
    return result.complete() ? 0 : 1;
  } catch (const t3::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
