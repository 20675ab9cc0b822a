// Test support: small weight files, each test case in a separate folder.
#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/testing/error_of.h"
#include "nn/load.h"
#include "weights/safetensors_writer.h"

namespace t3 {

using TestTensors = std::map<std::string, at::Tensor>;

// A path unique to this test case; the folder exists.
inline std::string TestPath(const std::string& name) {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) /
      (std::string("t3_") + info->test_suite_name() + "_" + info->name());
  std::filesystem::create_directories(folder);
  return (folder / name).string();
}

inline void WriteTestFile(const std::string& path, const TestTensors& tensors,
                          const Metadata& metadata = {}) {
  std::vector<NamedTensorRef> refs;
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(tensor.is_contiguous()) << name;
    refs.push_back({name, ToDType(tensor.scalar_type()), tensor.sizes().vec(),
                    static_cast<const std::byte*>(tensor.const_data_ptr()),
                    static_cast<int64_t>(tensor.nbytes())});
  }
  WriteSafetensors(path, refs, metadata);
}

inline std::shared_ptr<const WeightFile> TestFile(const std::string& name,
                                                  const TestTensors& tensors,
                                                  const Metadata& metadata = {}) {
  const std::string path = TestPath(name);
  WriteTestFile(path, tensors, metadata);
  return WeightFile::Open(path);
}

}  // namespace t3
