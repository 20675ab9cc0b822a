// How the GPUs of a command divide the videos of a job.
#pragma once

#include <cstdint>
#include <functional>

namespace t3 {

// `parts` processes each make a part of the videos, each with `gpus` GPUs.
struct JobSplit {
  int64_t parts = 1;
  int64_t gpus = 1;

  int64_t working() const { return parts * gpus; }  // GPUs
};

// The split that ends first, of `entries` videos of about one size: a GPU alone exchanges nothing,
// but a part that has one video more than the others keeps them waiting. `fits`: whether so many
// GPUs can share such a video. Where no split of all GPUs fits, some are idle; where none fits at
// all, all of them share each, and the run says why not.
JobSplit ChooseJobSplit(int64_t gpus, int64_t entries,
                        const std::function<bool(int64_t gpus)>& fits);

}  // namespace t3
