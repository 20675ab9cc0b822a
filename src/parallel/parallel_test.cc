// Groups, orders and places of ranks.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/check.h"
#include "base/testing/error_of.h"
#include "parallel/testing/thread_ranks.h"

namespace t3 {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RankPlace PlaceIn(const std::map<std::string, std::string>& environment) {
  return FindRankPlace([&](const char* name) {
    const auto entry = environment.find(name);
    return entry == environment.end() ? nullptr : entry->second.c_str();
  });
}

std::string UsageIn(const std::map<std::string, std::string>& environment) {
  return ErrorOf([&] { PlaceIn(environment); });
}

TEST(RankPlace, IsThatOfAnyLauncher) {
  EXPECT_EQ(PlaceIn({}).size, 1);
  const RankPlace torchrun = PlaceIn({{"RANK", "3"},
                                      {"WORLD_SIZE", "4"},
                                      {"LOCAL_RANK", "1"},
                                      {"LOCAL_WORLD_SIZE", "2"},
                                      {"MASTER_ADDR", "node0"},
                                      {"MASTER_PORT", "1234"},
                                      {"TORCHELASTIC_USE_AGENT_STORE", "True"}});
  EXPECT_EQ(torchrun.rank, 3);
  EXPECT_EQ(torchrun.size, 4);
  EXPECT_EQ(torchrun.local_rank, 1);
  EXPECT_EQ(torchrun.address, "node0");
  EXPECT_EQ(torchrun.port, 1234);
  EXPECT_TRUE(torchrun.hosted);
  const RankPlace srun = PlaceIn({{"SLURM_PROCID", "5"},
                                  {"SLURM_NTASKS", "8"},
                                  {"SLURM_STEP_NUM_TASKS", "8"},
                                  {"SLURM_LOCALID", "1"},
                                  {"SLURM_NTASKS_PER_NODE", "4"},
                                  {"SLURM_STEP_NODELIST", "gpu[07-08]"},
                                  {"SLURM_JOB_ID", "31"}});
  EXPECT_EQ(srun.rank, 5);
  EXPECT_EQ(srun.local_rank, 1);
  EXPECT_EQ(srun.address, "gpu07");
  EXPECT_EQ(srun.port, 20031);
  EXPECT_FALSE(srun.hosted);
  const RankPlace mpirun = PlaceIn({{"OMPI_COMM_WORLD_RANK", "1"},
                                    {"OMPI_COMM_WORLD_SIZE", "2"},
                                    {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                    {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  EXPECT_EQ(mpirun.rank, 1);
  EXPECT_EQ(mpirun.address, "127.0.0.1");
}

// A shell of `salloc`, a batch script, and a step of one task of a larger allocation.
TEST(RankPlace, IsAloneInAnAllocationWithoutAStep) {
  EXPECT_EQ(PlaceIn({{"SLURM_NTASKS", "8"}, {"SLURM_JOB_ID", "31"}}).size, 1);
  EXPECT_EQ(PlaceIn({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}, {"SLURM_LOCALID", "0"}}).size,
            1);
  EXPECT_EQ(
      PlaceIn({{"SLURM_NTASKS", "8"}, {"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_PROCID", "0"}}).size,
      1);
}

TEST(RankPlace, RefusesWhatDoesNotFit) {
  EXPECT_THAT(UsageIn({{"WORLD_SIZE", "2"}}), HasSubstr("RANK is not"));
  EXPECT_THAT(UsageIn({{"WORLD_SIZE", "2"}, {"RANK", "2"}}), HasSubstr("from 0 to 1"));
  EXPECT_THAT(UsageIn({{"WORLD_SIZE", "two"}, {"RANK", "0"}}), HasSubstr("a whole number"));
  EXPECT_THAT(UsageIn({{"WORLD_SIZE", "4"}, {"RANK", "0"}, {"LOCAL_WORLD_SIZE", "2"}}),
              HasSubstr("MASTER_ADDR is not set"));
  EXPECT_THAT(UsageIn({{"WORLD_SIZE", "2"}, {"RANK", "0"}, {"MASTER_PORT", "0"}}),
              HasSubstr("1 to 65535"));
}

// Row k of rank r is 100 r + k.
at::Tensor Rows(int64_t rank, int64_t count) {
  return (at::arange(count) + 100 * rank).to(at::kFloat).unsqueeze(1).repeat({1, 3});
}

TEST(RankGroup, ExchangesUnevenShares) {
  const std::vector<std::string> errors = RunRanks(3, [](Team& team) {
    const int64_t rank = team.rank();
    // Rank r sends r + i rows to rank i.
    const std::vector<int64_t> to{rank, rank + 1, rank + 2}, from{rank, rank + 1, rank + 2};
    const at::Tensor sent = Rows(rank, 3 * rank + 3);
    const at::Tensor got = team.everyone().Exchange(sent.to(at::kBFloat16), to, from);
    std::vector<at::Tensor> wanted;
    for (int64_t other = 0; other < 3; ++other) {
      int64_t before = 0;
      for (int64_t i = 0; i < rank; ++i) before += other + i;
      wanted.push_back(Rows(other, 3 * other + 3).narrow(0, before, other + rank));
    }
    EXPECT_TRUE(at::equal(got, at::cat(wanted).to(at::kBFloat16)));
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

TEST(RankGroup, ExchangesThatOverlap) {
  const std::vector<std::string> errors = RunRanks(3, [](Team& team) {
    const int64_t rank = team.rank();
    // Exchange e: rank r sends (r + e) % 3 rows, which may be none, to each.
    const auto count = [](int64_t r, int64_t e) { return (r + e) % 3; };
    std::vector<RankGroup::Transfer> transfers;
    std::vector<std::vector<at::Tensor>> received(4);
    for (int64_t e = 0; e < 4; ++e) {
      std::vector<at::Tensor> to;
      for (int64_t other = 0; other < 3; ++other) {
        to.push_back(Rows(10 * e + rank, count(rank, e)) + other);
        received[static_cast<size_t>(e)].push_back(at::zeros({count(other, e), 3}));
      }
      transfers.push_back(team.everyone().Start(to, received[static_cast<size_t>(e)]));
    }
    for (RankGroup::Transfer& transfer : transfers) transfer.Wait();
    for (int64_t e = 0; e < 4; ++e) {
      for (int64_t other = 0; other < 3; ++other) {
        EXPECT_TRUE(at::equal(received[static_cast<size_t>(e)][static_cast<size_t>(other)],
                              Rows(10 * e + other, count(other, e)) + rank));
      }
    }
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

TEST(RankGroup, GathersBroadcastsAndSumsAmongSomeRanks) {
  const std::vector<std::string> errors = RunRanks(3, [](Team& team) {
    const at::Tensor all = team.everyone().Gather(Rows(team.rank(), team.rank() + 1), {1, 2, 3});
    EXPECT_TRUE(at::equal(all, at::cat({Rows(0, 1), Rows(1, 2), Rows(2, 3)})));
    if (team.rank() == 1) return;
    RankGroup& two = team.Among({0, 2});
    const at::Tensor x = Rows(team.rank(), 4).clone();
    two.Broadcast(x, 1);
    EXPECT_TRUE(at::equal(x, Rows(2, 4)));
    const at::Tensor sum = Rows(team.rank(), 2).clone();
    two.Sum(sum);
    EXPECT_TRUE(at::equal(sum, Rows(0, 2) + Rows(2, 2)));
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

TEST(Team, CarriesOutOrders) {
  const std::vector<std::string> errors = RunRanks(2, [](Team& team) {
    if (team.rank() == 0) {
      for (const char* order : {"a", "b"}) Team::Order(team, order).End();
      try {
        Team::Order stopped(team, "c", /*stoppable=*/true);
        Fail("in between");
      } catch (const Error&) {
      }
      EXPECT_TRUE(team.in_step());
      Team::Order(team, "d").End();
      return;
    }
    EXPECT_EQ(team.Next(), "a");
    team.Answer();
    EXPECT_EQ(team.Next(), "b");
    team.Answer();
    EXPECT_EQ(team.Next(), "c");
    EXPECT_THROW(team.AwaitPass(), Team::OrderStopped);
    team.Answer();
    EXPECT_EQ(team.Next(), "d");
    team.Answer();
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

// The others have nothing left to wait for, and the next order begins with passes of its own.
TEST(Team, StopsAnOrderAfterItsLastExchange) {
  const std::vector<std::string> errors = RunRanks(2, [](Team& team) {
    const auto exchange = [&] { team.everyone().Broadcast(at::zeros({4}), 0); };
    if (team.rank() == 0) {
      try {
        Team::Order stopped(team, "a", /*stoppable=*/true);
        team.Pass(true);
        exchange();
        Fail("the file cannot be finished");
      } catch (const Error&) {
      }
      EXPECT_TRUE(team.in_step());
      Team::Order next(team, "b", /*stoppable=*/true);
      team.Pass(true);
      exchange();
      next.End();
      return;
    }
    for (const char* order : {"a", "b"}) {
      EXPECT_EQ(team.Next(), order);
      team.AwaitPass();
      exchange();
      team.Answer();
    }
  });
  EXPECT_THAT(errors, Each(IsEmpty()));
}

TEST(Team, SaysWhyARankFailed) {
  const std::vector<std::string> errors = RunRanks(2, [](Team& team) {
    if (team.rank() == 1) Fail("the disk is full");
    team.everyone().Broadcast(at::zeros({4}), 1);
  });
  EXPECT_THAT(errors[0], HasSubstr("rank 1: the disk is full"));
}

TEST(Team, EndsWithARankThatHangs) {
  const std::vector<std::string> errors = RunRanks(
      2,
      [](Team& team) {
        team.everyone().Broadcast(at::zeros({4}), 1);
        if (team.rank() == 1) std::this_thread::sleep_for(std::chrono::seconds(5));
        team.everyone().Broadcast(at::zeros({4}), 1);
      },
      /*patience=*/2);
  EXPECT_THAT(errors[0], HasSubstr("the ranks cannot go on together"));
}

TEST(EvenShares, AddUp) {
  EXPECT_THAT(EvenShares(7, 3), ElementsAre(2, 2, 3));
  EXPECT_THAT(EvenShares(8, 1), ElementsAre(8));
}

}  // namespace
}  // namespace t3
