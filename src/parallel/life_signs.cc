// Signs of life by counters in the store.
#include "parallel/life_signs.h"

#include <fmt/format.h>

namespace t3 {
namespace {

constexpr std::chrono::milliseconds kSignEvery{500};
constexpr std::chrono::milliseconds kLastWords{2500};  // of a rank whose exchange failed

}  // namespace

std::string LifeSigns::SignKey(int64_t rank) { return fmt::format("alive/{}", rank); }
std::string LifeSigns::FailureKey(int64_t rank) { return fmt::format("failed/{}", rank); }

LifeSigns::LifeSigns(c10::intrusive_ptr<c10d::Store> store, const RankPlace& place,
                     std::chrono::duration<double> limit)
    : store_(std::move(store)),
      rank_(place.rank),
      size_(place.size),
      watch_(place.watch),
      limit_(limit),
      thread_([this] { Run(); }) {}

LifeSigns::~LifeSigns() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  thread_.join();
}

std::string LifeSigns::Trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::string LifeSigns::TroubleSoon() const {
  const auto end = std::chrono::steady_clock::now() + kLastWords;
  while (Trouble().empty() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return Trouble();
}

void LifeSigns::Note(const std::string& trouble) {
  const std::lock_guard lock(mutex_);
  if (trouble_.empty()) trouble_ = trouble;
}

void LifeSigns::Run() {
  for (;;) {
    try {
      Look();
    } catch (const std::exception&) {
      Note(rank_ == 0 ? "the store of the ranks failed" : "rank 0 has ended");
      return;
    }
    std::unique_lock lock(mutex_);
    if (stopping_.wait_for(lock, kSignEvery, [&] { return stop_; })) return;
  }
}

void LifeSigns::Look() {
  const std::string sign = std::to_string(++count_);
  store_->set(SignKey(rank_), std::vector<uint8_t>(sign.begin(), sign.end()));
  if (watch_) Note(watch_());
  const auto now = std::chrono::steady_clock::now();
  for (int64_t rank = 0; rank < size_; ++rank) {
    if (rank == rank_) continue;
    if (store_->check({FailureKey(rank)})) {
      const std::vector<uint8_t> words = store_->get(FailureKey(rank));
      Note(fmt::format("rank {}: {}", rank, std::string(words.begin(), words.end())));
      continue;
    }
    Peer& peer = peers_[rank];
    std::vector<uint8_t> latest;
    if (store_->check({SignKey(rank)})) latest = store_->get(SignKey(rank));
    if (peer.seen == decltype(peer.seen){} || latest != peer.sign) peer = {latest, now};
    if (now - peer.seen > limit_)
      Note(fmt::format("rank {} of {} has given no sign of life for {:.0f} s", rank, size_,
                       limit_.count()));
  }
}

}  // namespace t3
