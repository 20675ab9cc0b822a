// The table of mappings and the handler of SIGBUS, which does only what is allowed in one.
#include "base/lost_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <mutex>

#include "base/check.h"

namespace t3 {
namespace {

struct Slot {
  std::atomic<const std::byte*> data{nullptr};  // nullptr: free
  std::atomic<size_t> size{0};
  std::atomic<bool> lost{false};
  std::string path;  // guarded by `table_mutex`, as is taking and freeing a slot
};

// More mappings than that at a time are not guarded.
constexpr int kMaxMappings = 4096;
std::array<Slot, kMaxMappings> table;
std::mutex table_mutex;
std::atomic<bool> any_lost{false};
struct sigaction previous {};

// Zeros from the page of `address` to the end of its mapping; false where it is in none.
bool ReplaceLost(const std::byte* address) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (Slot& slot : table) {
    const std::byte* data = slot.data.load();
    const size_t size = slot.size.load();
    if (data == nullptr || address < data || address >= data + size) continue;
    const std::byte* begin = address - reinterpret_cast<uintptr_t>(address) % page;
    void* zeros = ::mmap(const_cast<std::byte*>(begin), static_cast<size_t>(data + size - begin),
                         PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    slot.lost = true;
    any_lost = true;
    return zeros != MAP_FAILED;
  }
  return false;
}

void OnBusError(int signal, siginfo_t* info, void* context) {
  if (ReplaceLost(static_cast<const std::byte*>(info->si_addr))) return;
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
    return;
  }
  // The instruction is run again and meets the action that was there before.
  ::sigaction(SIGBUS, &previous, nullptr);
}

void InstallHandler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = OnBusError;
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGBUS, &action, &previous);
  });
}

}  // namespace

GuardedMapping::GuardedMapping(const std::byte* data, size_t size, const std::string& path) {
  InstallHandler();
  const std::lock_guard lock(table_mutex);
  for (int i = 0; i < kMaxMappings; ++i) {
    Slot& slot = table[static_cast<size_t>(i)];
    if (slot.data != nullptr) continue;
    slot.path = path;
    slot.lost = false;
    slot.size = size;
    slot.data = data;
    slot_ = i;
    return;
  }
}

GuardedMapping::~GuardedMapping() {
  if (slot_ < 0) return;
  const std::lock_guard lock(table_mutex);
  table[static_cast<size_t>(slot_)].data = nullptr;
}

void CheckMappedFiles() {
  if (!any_lost) return;
  const std::lock_guard lock(table_mutex);
  for (const Slot& slot : table) {
    T3_CHECK(
        slot.data == nullptr || !slot.lost,
        "{} cannot be read any more: it was cut short, or its disk failed, while it was in use",
        slot.path);
  }
}

}  // namespace t3
