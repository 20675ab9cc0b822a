// Reading submissions.
#include "serve/submission.h"

#include <fmt/format.h>

#include <map>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "serve/api_error.h"

namespace t3::serve {
namespace {

constexpr size_t kMaxJson = 256 << 10;
constexpr size_t kMaxText = 64 << 10;  // of a part
constexpr size_t kMaxParts = 64;
constexpr const char* kFile = "input_reference";

// Parts of a form as they come.
class Form {
 public:
  Form(std::string folder, int64_t max_bytes) : folder_(std::move(folder)), max_bytes_(max_bytes) {}

  void Begin(const httplib::MultipartFormData& part) {
    name_ = part.name;
    const std::string shown = CutToBytes(ReplaceInvalidUtf8(name_), 80);
    if (texts_.contains(name_) || (name_ == kFile && upload_)) {
      throw ApiError(400, "invalid_value", fmt::format("{} is given twice", Quote(shown)), shown);
    }
    if (texts_.size() >= kMaxParts)
      throw ApiError(400, "invalid_multipart", "the form has too many parts");
    is_file_ = !part.filename.empty();
    if (is_file_ && name_ != kFile) {
      throw ApiError(400, "invalid_value",
                     fmt::format("{} is a file; only `{}` may be one", Quote(shown), kFile), shown);
    }
    if (is_file_) {
      upload_ = std::make_unique<Upload>(folder_, max_bytes_);
    } else {
      texts_[name_];
    }
  }

  void Append(std::string_view bytes) {
    if (is_file_) return upload_->Append(bytes);
    std::string& text = texts_[name_];
    text += bytes;
    if (text.size() > kMaxText) {
      const std::string shown = CutToBytes(ReplaceInvalidUtf8(name_), 80);
      throw ApiError(413, "too_large",
                     fmt::format("{} has more than {} bytes", Quote(shown), kMaxText), shown);
    }
  }

  std::map<std::string, std::string> texts_;
  std::unique_ptr<Upload> upload_;

 private:
  std::string folder_;
  int64_t max_bytes_;
  std::string name_;
  bool is_file_ = false;
};

Submission ReadForm(const Exchange& exchange, const Limits& limits, const std::string& folder) {
  Form form(folder, limits.max_upload_bytes);
  const bool complete = (*exchange.body)(
      [&](const httplib::MultipartFormData& part) {
        form.Begin(part);
        return true;
      },
      [&](const char* data, size_t size) {
        form.Append({data, size});
        return true;
      });
  if (!complete) FailBody(exchange, "invalid_multipart", "the form is broken or not complete");
  Submission submission;
  if (form.upload_) form.upload_->Kind();  // what it is not is said before other faults
  submission.values =
      ParseFields(FormToJson(form.texts_, FieldUse::kSubmission), limits, FieldUse::kSubmission);
  submission.upload = std::move(form.upload_);
  if (submission.upload && !submission.values.source_video.empty()) {
    throw ApiError(400, "invalid_value",
                   "`input_reference` and `source_video` are both given; wanted one of them",
                   "source_video");
  }
  return submission;
}

}  // namespace

nlohmann::json ReadJsonBody(const Exchange& exchange) {
  const std::string type = exchange.request.get_header_value("Content-Type");
  if (!type.starts_with("application/json")) {
    throw ApiError(415, "unsupported_type",
                   "the content type is not application/json or, to submit, multipart/form-data");
  }
  const std::string body = ReadBody(exchange, kMaxJson);
  try {
    return ParseJson(body, "the body");
  } catch (const Error& error) {
    throw ApiError(400, "invalid_json", error.what());
  }
}

Submission ReadSubmission(const Exchange& exchange, const Limits& limits,
                          const std::string& folder) {
  if (exchange.request.is_multipart_form_data()) return ReadForm(exchange, limits, folder);
  return {ParseFields(ReadJsonBody(exchange), limits, FieldUse::kSubmission), nullptr};
}

}  // namespace t3::serve
