// The body of POST /v1/videos as fields and a file.
#pragma once

#include <memory>

#include "serve/exchange.h"
#include "serve/fields.h"
#include "serve/uploads.h"

namespace t3::serve {

struct Submission {
  FieldValues values;
  std::unique_ptr<Upload> upload;  // nullptr: none
};

// From JSON or multipart/form-data. The file goes to `folder` as it comes. Throws ApiError.
Submission ReadSubmission(const Exchange& exchange, const Limits& limits,
                          const std::string& folder);

// A JSON body. Throws ApiError.
nlohmann::json ReadJsonBody(const Exchange& exchange);

}  // namespace t3::serve
