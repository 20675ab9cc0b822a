// Every sampler against reference formulas (tools/oracle_samplers.py).
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sampling/solver.h"
#include "tests/stored_tensor.h"

namespace t3 {
namespace {

struct TracedRun {
  std::string name;
  SamplingConfig config;
};

void PrintTo(const TracedRun& run, std::ostream* out) { *out << run.name; }

class Traces : public testing::TestWithParam<TracedRun> {
 protected:
  bool Has(const char* name) const { return file_->tensors().contains(Name(name)); }
  at::Tensor Read(const char* name) const { return ReadStored(*file_, Name(name)); }

 private:
  std::string Name(const char* name) const { return GetParam().name + "." + name; }
  std::shared_ptr<const WeightFile> file_ =
      WeightFile::Open(T3_SOURCE_DIR "/tests/data/oracle/samplers.safetensors");
};

TEST_P(Traces, EqualTheReference) {
  SamplingConfig config = GetParam().config;
  if (GetParam().name == "rcm.ode") {  // the levels of rCM, as anybody would give them
    const at::Tensor sigmas = Read("sigmas");
    for (int64_t i = 0; i + 1 < sigmas.size(0); ++i)
      config.sigmas.push_back(sigmas[i].item<float>());
  }
  const at::Tensor added = Read("added"), velocity = Read("velocity"), wanted = Read("x");
  const at::Tensor timesteps = Read("timesteps");
  Solver solver(config, [&](int64_t step) { return added[step]; });
  ASSERT_EQ(solver.steps(), velocity.size(0));
  at::Tensor x = solver.Start(Read("noise"), Has("clean") ? Read("clean") : at::Tensor());
  EXPECT_TRUE(at::allclose(x, wanted[0], 1e-5, 1e-6));
  for (int64_t i = 0; i < solver.steps(); ++i) {
    EXPECT_NEAR(solver.timestep(i), timesteps[i].item<float>(), 2e-4) << i;
    x = solver.Step(i, x, velocity[i]);
    const double error = ((x - wanted[i + 1]).norm() / wanted[i + 1].norm()).item<double>();
    EXPECT_LT(error, 2e-6) << "step " << i;
  }
}

SamplingConfig Levels(Sampler sampler, int64_t steps, double shift, double strength) {
  return {.sampler = sampler, .steps = steps, .shift = shift, .strength = strength};
}

INSTANTIATE_TEST_SUITE_P(
    Samplers, Traces,
    testing::Values(TracedRun{"euler", Levels(Sampler::kEuler, 6, 5, 1)},
                    TracedRun{"euler.tail", Levels(Sampler::kEuler, 10, 5, 0.4)},
                    TracedRun{"euler.off_grid", Levels(Sampler::kEuler, 10, 3, 0.33)},
                    TracedRun{"euler.list",
                              {.sampler = Sampler::kEuler, .timesteps = {1000, 937.5, 833.3, 625}}},
                    TracedRun{"unipc.tail", Levels(Sampler::kUniPC, 10, 5, 0.5)},
                    TracedRun{"renoise", Levels(Sampler::kRenoise, 4, 5, 1)},
                    TracedRun{"renoise.list",
                              {.sampler = Sampler::kRenoise, .timesteps = {1000, 757, 522}}},
                    TracedRun{"renoise.tail", Levels(Sampler::kRenoise, 8, 5, 0.5)},
                    TracedRun{"rcm.sde", Levels(Sampler::kRcm, 4, 5, 1)},
                    TracedRun{"rcm.ode", {.sampler = Sampler::kEuler}}));

}  // namespace
}  // namespace t3
