// cuDNN's execution plans for one operation of one shape; the caller chooses among them.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "kernels/types.h"

namespace t3::kernels {

// Created by FindAttentionPlans and FindConvolutionPlans for the current GPU. Thread-safe in that
// all calls into cuDNN share one lock.
class CudnnPlans {
 public:
  struct Graph;  // cuDNN's own; cuda/cudnn_plans.cc

  explicit CudnnPlans(std::unique_ptr<Graph> graph);
  ~CudnnPlans();

  // Engine and knobs of each plan, cuDNN's best guess first. A name identifies a plan for one
  // version of cuDNN.
  const std::vector<std::string>& Names() const;
  // Makes a plan ready, once. False: cuDNN refuses it, or its workspace is too large.
  bool Build(size_t plan);
  // Of a plan that was built.
  int64_t WorkspaceBytes(size_t plan) const;
  // Enqueues a plan. `tensors` are in the order that the Find function states. False: cuDNN refuses
  // it, and the output is undefined.
  bool Launch(size_t plan, std::initializer_list<const void*> tensors, void* workspace,
              Stream stream);
  // cuDNN's last reason for refusing something.
  const std::string& Refusal() const;

 private:
  std::unique_ptr<Graph> graph_;
};

// The GPU's name and cuDNN's version, for which names of plans hold; "" in builds without cuDNN.
std::string CudnnMachine(int device);

}  // namespace t3::kernels
