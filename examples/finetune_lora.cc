// Clips to a dataset to a LoRA to a video with it: example_finetune_lora MODEL FOLDER
#include <t3video/engine.h>
#include <t3video/error.h>
#include <t3video/prepare.h>
#include <t3video/train.h>
#include <t3video/world.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

// Captioned clips to train on. A folder of one's own videos, each with NAME.txt beside it, would
// do.
void MakeClips(const std::string& folder) {
  t3::WorldRequest world;
  world.count = 2;
  world.width = 64;
  world.height = 32;
  world.frames = 5;
  world.format = "y4m";
  world.output = folder;
  t3::MakeWorld(world);
}

void PrepareDataset(const t3::ModelFiles& files, const std::string& clips,
                    const std::string& output) {
  t3::PrepareRequest request;
  request.source = clips;
  request.output = output;
  request.sizes = {{64, 32}};
  request.frames = {5};
  t3::Prepare(files, t3::RunOptions{}, request);
}

// Returns the file of the LoRA.
std::string TrainLora(const std::string& model, const std::string& folder) {
  const std::string config = folder + "/train.json";
  std::ofstream(config) << R"({"steps": 2, "batch_size": 1, "lora": {"rank": 4, "alpha": 4},
    "optimizer": {"lr": 1e-3}})";
  t3::Train(config, {"model=" + model, "output=" + folder + "/trained",
                     "data.prepared=" + folder + "/dataset"});
  return folder + "/trained/lora.safetensors";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: example_finetune_lora MODEL FOLDER\n";
    return 2;
  }
  const std::string folder = argv[2];
  try {
    std::filesystem::create_directories(folder);
    t3::ModelFiles files;
    files.model = argv[1];
    MakeClips(folder + "/clips");
    PrepareDataset(files, folder + "/clips", folder + "/dataset");
    files.loras = {{TrainLora(files.model, folder), 1.0}};

    t3::Request request;
    request.prompt = "A red balloon over the sea at sunset.";
    request.params.size = t3::VideoSize{64, 32};
    request.params.frames = 5;
    request.params.steps = 2;
    request.output.path = folder + "/with_lora.mp4";
    std::cout << t3::Engine(files, t3::RunOptions{}).Generate(request).output << "\n";
  } catch (const t3::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
