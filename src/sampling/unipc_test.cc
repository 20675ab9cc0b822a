// UniPC against diffusers (tools/oracle_unipc.py), and its state.
#include "sampling/unipc.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sampling/noise.h"
#include "sampling/solver.h"
#include "t3video/error.h"
#include "tests/stored_tensor.h"

namespace t3 {
namespace {

class OracleRun {
 public:
  explicit OracleRun(int n) : n_(std::to_string(n)) {}
  at::Tensor Read(const char* name) const { return ReadStored(*file_, n_ + "." + name); }
  // Latents before each step and at the end; velocities; the shift.
  at::Tensor x() const { return Read("x"); }
  at::Tensor velocity() const { return Read("velocity"); }
  double shift() const { return Read("shift").item<float>(); }

 private:
  std::string n_;
  std::shared_ptr<const WeightFile> file_ =
      WeightFile::Open(T3_SOURCE_DIR "/tests/data/oracle/unipc.safetensors");
};

TEST(UniPc, EqualsDiffusers) {
  for (const int n : {0, 1, 2, 3, 4}) {
    const OracleRun run(n);
    const at::Tensor wanted = run.x();
    const at::Tensor velocity = run.velocity();
    Solver solver({Sampler::kUniPC, velocity.size(0), 1, run.shift()});
    at::Tensor x = wanted[0];
    for (int64_t i = 0; i < solver.steps(); ++i) {
      x = solver.Step(i, x, velocity[i]);
      const double error = ((x - wanted[i + 1]).norm() / wanted[i + 1].norm()).item<double>();
      EXPECT_LT(error, 2e-6) << "run " << n << " step " << i;
    }
  }
}

TEST(UniPc, GoesOnFromASavedState) {
  const OracleRun run(3);
  const at::Tensor velocity = run.velocity();
  const SamplingConfig config{Sampler::kUniPC, velocity.size(0), 1, run.shift()};
  Solver solver(config);
  std::vector<at::Tensor> xs{run.x()[0]};
  std::vector<std::map<std::string, at::Tensor>> states{solver.State()};
  for (int64_t i = 0; i < solver.steps(); ++i) {
    xs.push_back(solver.Step(i, xs.back(), velocity[i]));
    states.push_back(solver.State());
  }
  for (int64_t from = 0; from < solver.steps(); ++from) {
    Solver resumed(config);
    resumed.Restore(from, states[static_cast<size_t>(from)]);
    at::Tensor x = xs[static_cast<size_t>(from)];
    for (int64_t i = from; i < resumed.steps(); ++i) x = resumed.Step(i, x, velocity[i]);
    EXPECT_TRUE(at::equal(x, xs.back())) << "from step " << from;
  }
}

TEST(UniPc, IncompleteStatesAreErrors) {
  Solver solver({Sampler::kUniPC, 4, 1, 5});
  solver.Restore(0, {});
  EXPECT_THROW(solver.Restore(1, {}), Error);
  EXPECT_THROW(solver.Restore(5, {}), Error);
  const at::Tensor x = TorchNoise(1, {1, 2, 2, 2});
  solver.Step(0, x, x);
  EXPECT_THROW(solver.Restore(2, solver.State()), Error);
}

TEST(UniPc, LeavesItsArgumentsAloneAndKeepsNone) {
  Solver solver({Sampler::kUniPC, 3, 1, 5});
  at::Tensor x = TorchNoise(1, {1, 2, 2, 2});
  const at::Tensor velocity = TorchNoise(2, {1, 2, 2, 2});
  at::Tensor next = solver.Step(0, x, velocity);
  EXPECT_TRUE(at::equal(x, TorchNoise(1, {1, 2, 2, 2})));
  const auto before = solver.State().at("unipc.sample").clone();
  x.zero_();
  next.zero_();
  EXPECT_TRUE(at::equal(solver.State().at("unipc.sample"), before));
}

}  // namespace
}  // namespace t3
