// SafetensorsStream and WriteSafetensors.
#include "weights/safetensors_writer.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

std::string JsonString(const std::string& text) {
  T3_CHECK(IsUtf8(text), "cannot write {} to a safetensors header: it is not UTF-8", Quote(text));
  return nlohmann::json(text).dump();
}

struct Header {
  std::string text;  // with the u64 length in front, a multiple of 8 bytes
  int64_t data_bytes = 0;
};

class HeaderBuilder {
 public:
  void AddMetadata(const Metadata& metadata) {
    if (metadata.empty()) return;
    Separate();
    json_ += "\"__metadata__\":{";
    const char* comma = "";
    for (const auto& [key, value] : metadata) {
      json_ +=
          fmt::format("{}{}:{}", std::exchange(comma, ","), JsonString(key), JsonString(value));
    }
    json_ += '}';
  }

  void AddTensor(const TensorInfo& tensor) {
    T3_CHECK(tensor.name != "__metadata__" && names_.insert(tensor.name).second,
             "cannot write tensor {}: the name is taken", Quote(tensor.name));
    const auto bytes = ContiguousBytes(tensor.shape, tensor.dtype);
    const int64_t begin = data_bytes_;
    T3_CHECK(bytes && tensor.shape.size() <= kMaxRank &&
                 !__builtin_add_overflow(data_bytes_, *bytes, &data_bytes_),
             "cannot write tensor {}: its shape [{}] is impossible", Quote(tensor.name),
             fmt::join(tensor.shape, ", "));
    Separate();
    json_ += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                         JsonString(tensor.name), DTypeName(tensor.dtype),
                         fmt::join(tensor.shape, ","), begin, data_bytes_);
  }

  Header Build() {
    json_ += '}';
    json_.resize((json_.size() + 7) / 8 * 8, ' ');
    Header header;
    for (int shift = 0; shift < 64; shift += 8) {
      header.text += static_cast<char>(json_.size() >> shift & 0xFF);
    }
    header.text += json_;
    header.data_bytes = data_bytes_;
    return header;
  }

 private:
  void Separate() {
    if (json_.size() > 1) json_ += ',';
  }

  std::string json_ = "{";
  std::set<std::string> names_;
  int64_t data_bytes_ = 0;
};

std::string Reason(int error) {
  return error == ENOSPC ? "no space left on the disk; free some or choose another one"
                         : std::strerror(error);
}

}  // namespace

SafetensorsStream::SafetensorsStream(const std::string& path, std::vector<TensorInfo> table,
                                     const Metadata& metadata)
    : target_(path), table_(std::move(table)) {
  HeaderBuilder builder;
  builder.AddMetadata(metadata);
  for (const TensorInfo& tensor : table_) builder.AddTensor(tensor);
  const Header header = builder.Build();
  file_.reset(std::fopen(target_.temporary().c_str(), "wbe"));
  T3_CHECK(file_ != nullptr, "cannot write {}: {}", path, std::strerror(errno));
  Reserve(static_cast<int64_t>(header.text.size()) + header.data_bytes);
  Put(header.text.data(), header.text.size());
}

// Not posix_fallocate: where the file system cannot reserve, it writes the whole file with zeros.
void SafetensorsStream::Reserve(int64_t bytes) const {
  if (::fallocate(::fileno(file_.get()), 0, 0, bytes) == 0) return;
  T3_CHECK(errno != ENOSPC && errno != EFBIG, "cannot write {} ({}): {}", target_.path(),
           FormatBytes(bytes), Reason(errno));
}

void SafetensorsStream::Put(const void* data, size_t bytes) {
  T3_CHECK(std::fwrite(data, 1, bytes, file_.get()) == bytes, "cannot write {}: {}", target_.path(),
           Reason(errno));
}

void SafetensorsStream::Write(const std::string& name, const std::byte* data, int64_t bytes) {
  T3_CHECK(file_ != nullptr && next_ < table_.size(), "{}: tensor {} is not in the table",
           target_.path(), Quote(name));
  const TensorInfo& tensor = table_[next_];
  const auto wanted = ContiguousBytes(tensor.shape, tensor.dtype);
  T3_CHECK(tensor.name == name && wanted == bytes,
           "{}: {} bytes of tensor {} came where {} bytes of {} are next", target_.path(), bytes,
           Quote(name), wanted.value_or(0), Quote(tensor.name));
  if (bytes > 0) Put(data, static_cast<size_t>(bytes));
  ++next_;
}

void SafetensorsStream::Finish() {
  T3_CHECK(file_ != nullptr, "{} is finished already", target_.path());
  T3_CHECK(next_ == table_.size(), "{}: {} of {} tensors were written; {} is missing",
           target_.path(), next_, table_.size(), Quote(table_[next_].name));
  // fclose reports what the buffer could not write.
  T3_CHECK(std::fclose(file_.release()) == 0, "cannot write {}: {}", target_.path(), Reason(errno));
  target_.Commit();
}

void WriteSafetensors(const std::string& path, const std::vector<NamedTensorRef>& tensors,
                      const Metadata& metadata) {
  std::vector<TensorInfo> table;
  table.reserve(tensors.size());
  for (const NamedTensorRef& tensor : tensors) {
    table.push_back({tensor.name, tensor.dtype, tensor.shape});
  }
  SafetensorsStream stream(path, std::move(table), metadata);
  for (const NamedTensorRef& tensor : tensors) {
    stream.Write(tensor.name, tensor.data, tensor.bytes);
  }
  stream.Finish();
}

}  // namespace t3
