// A writer into a spool.
#include "pipeline/draft_spool.h"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "pipeline/decode.h"
#include "pipeline/frame_codes.h"

namespace t3 {
namespace {

// Each frame to a spool, and to a file as well where one is wanted.
class DraftWriter : public VideoWriter {
 public:
  DraftWriter(RowSpool& spool, std::unique_ptr<VideoWriter> file)
      : spool_(spool), file_(std::move(file)) {}
  void Write(const FrameView& frame) override {
    std::vector<at::Tensor> planes;
    for (const float* plane : frame.planes) {
      planes.push_back(at::from_blob(const_cast<float*>(plane), {frame.height, frame.width},
                                     {frame.row_stride, 1}, at::kFloat));
    }
    spool_.Write(next_++, FrameCodes(at::stack(planes)).const_data_ptr<int16_t>());
    if (file_) file_->Write(frame);
  }
  void Finish() override {
    if (file_) file_->Finish();
  }

 private:
  RowSpool& spool_;
  std::unique_ptr<VideoWriter> file_;
  int64_t next_ = 0;
};

}  // namespace

std::shared_ptr<const RowSpool> SpoolDraft(const VideoDecoder& decoder, const at::Tensor& latents,
                                           const DecodeTarget& target,
                                           std::unique_ptr<VideoWriter> file,
                                           const std::string& folder, Stage& stage) {
  const VideoGeometry& size = target.geometry;
  auto spool = std::make_shared<RowSpool>(folder, size.frames, size.height, size.width);
  QueuedWriter writer(std::make_unique<DraftWriter>(*spool, std::move(file)), kQueuedFrames);
  DecodeInto(writer, decoder, latents, target, stage);
  return spool;
}

}  // namespace t3
