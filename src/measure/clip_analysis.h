// A clip as the detector sees it: its painted regions, frame by frame.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "measure/paint.h"

namespace t3 {

// Lanterns hang at both edges, objects stay between.
struct FrameRegions {
  std::vector<PaintedRegion> left, middle, right;
};

// What every measure needs of a clip.
struct ClipAnalysis {
  at::Tensor picture;  // (3, F, 144, 256) in [0, 1]
  at::Tensor map;      // (F, 144, 256) int8 on the CPU
  at::Tensor free;     // (F, 144, 256) fp32: 1 where neither object nor lantern is near
  std::vector<FrameRegions> regions;  // by frame
};

// video (3,F,H,W) of any size, in [-1, 1].
ClipAnalysis AnalyzeClip(const at::Tensor& video);

// The one with the largest area; nullptr without any.
const PaintedRegion* LargestRegion(const std::vector<PaintedRegion>& things);

// At sea a region straight below another of its colour, and not much larger, is its mirror image.
void DropMirrorImages(ClipAnalysis& clip);

// The object of each frame: the largest region between the lanterns; nullptr without one.
std::vector<const PaintedRegion*> ObjectByFrame(const ClipAnalysis& clip);

}  // namespace t3
