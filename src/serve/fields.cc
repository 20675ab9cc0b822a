// Parsing the fields of a request.
#include "serve/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/blank.h"
#include "base/json.h"
#include "base/parse_number.h"
#include "base/text.h"
#include "serve/api_error.h"
#include "serve/ids.h"
#include "serve/pixel_size.h"

namespace t3::serve {
namespace {

using nlohmann::json;

// The whole of `text` as a finite number.
std::optional<double> ParseFinite(std::string_view text) {
  const std::optional<double> number = ParseNumber<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

[[noreturn]] void Invalid(const std::string& name, const std::string& message) {
  throw ApiError(400, "invalid_value", fmt::format("`{}` {}", name, message), name);
}

// What came, as far as it is worth showing.
std::string Shown(const json& value) {
  return CutToBytes(value.dump(-1, ' ', true, json::error_handler_t::replace), 80);
}

std::vector<std::string> Words(const char* text) {
  std::vector<std::string> words;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find(' '), rest.size());
    words.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return words;
}

int64_t Characters(const std::string& text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// One request's parser.
class Parser {
 public:
  Parser(const Limits& limits, FieldUse use) : limits_(limits), use_(use) {}

  FieldValues Parse(const json& object) {
    if (!object.is_object())
      throw ApiError(400, "invalid_json", "the body is not a JSON object of fields");
    for (const auto& [name, value] : object.items()) {
      const Field& field = FieldOf(name, use_);
      if (value.is_null()) continue;  // clients send what they leave open as null
      Take(field, value);
    }
    CheckTogether(object);
    return std::move(values_);
  }

 private:
  void Take(const Field& field, const json& value) {
    const std::string name = field.name;
    switch (field.type) {
      case FieldType::kText:
        return TakeText(field, value);
      case FieldType::kInteger:
        return TakeInteger(field, value);
      case FieldType::kNumber:
        return TakeNumber(field, value);
      case FieldType::kSize:
      case FieldType::kSizeOrNone:
        return TakeSize(field, value);
      case FieldType::kName:
        return TakeName(field, value);
      case FieldType::kLoras:
        return TakeLoras(field, value);
      case FieldType::kVideoId:
        if (!value.is_string() || !IsVideoId(value.get<std::string>()))
          Invalid(name, fmt::format("is {}, wanted the id of a video", Shown(value)));
        values_.source_video = value.get<std::string>();
        return Set(field, value, "");
    }
  }

  void Set(const Field& field, const json& value, const std::string& text) {
    values_.settings[field.name] = value;
    if (*field.option != '\0') values_.options.emplace_back(field.option, text);
  }

  void TakeText(const Field& field, const json& value) {
    const std::string name = field.name;
    if (name == "input_reference") {
      throw ApiError(400, "invalid_value",
                     "`input_reference` is a file: upload it as a part of multipart/form-data; "
                     "URLs and ids of files are not accepted",
                     name);
    }
    if (!value.is_string()) Invalid(name, fmt::format("is {}, wanted a text", Shown(value)));
    const std::string text = value.get<std::string>();
    if (!IsUtf8(text) || text.find('\0') != std::string::npos)
      Invalid(name, "is not text in UTF-8 without zero bytes");
    const int64_t count = Characters(text);
    const auto max_count = static_cast<int64_t>(field.max_value);
    if (count > max_count)
      Invalid(name, fmt::format("has {} characters, wanted {} at most", count, max_count));
    if (field.min_value > 0 && IsBlank(text)) Invalid(name, "is empty or only blanks");
    if (name == "prompt") {
      values_.prompt = text;
    } else if (name == "model") {
      values_.model = text;
    } else {
      Set(field, value, text);
    }
  }

  void TakeInteger(const Field& field, const json& value) {
    const double max_value = field.MaxOf(limits_);
    const bool whole = value.is_number_integer() &&
                       !(value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX);
    const int64_t number = whole ? value.get<int64_t>() : 0;
    if (!whole || number < static_cast<int64_t>(field.min_value) ||
        number > static_cast<int64_t>(max_value)) {
      Invalid(field.name,
              fmt::format("is {}, wanted a whole number from {} to {}", Shown(value),
                          static_cast<int64_t>(field.min_value), static_cast<int64_t>(max_value)));
    }
    const std::string name = field.name;
    if (name == "num_frames" && number % 4 != 1)
      Invalid(name, fmt::format("is {}, wanted 4n+1, such as {}", number, number / 4 * 4 + 1));
    if (name == "seed") {
      values_.seed = static_cast<uint64_t>(number);
      values_.has_seed = true;
    }
    Set(field, value, fmt::format("{}", number));
  }

  void TakeNumber(const Field& field, const json& value) {
    const std::string name = field.name;
    // Clients of OpenAI's API send seconds as text.
    const bool as_text = name == "seconds" && value.is_string();
    const std::optional<double> number = as_text             ? ParseFinite(value.get<std::string>())
                                         : value.is_number() ? std::optional(value.get<double>())
                                                             : std::nullopt;
    if (!number || !(*number >= field.min_value && *number <= field.MaxOf(limits_))) {
      Invalid(name, fmt::format("is {}, wanted a number from {} to {}", Shown(value),
                                field.min_value, field.MaxOf(limits_)));
    }
    if (name == "seconds") values_.seconds = *number;
    Set(field, *number, fmt::format("{}", *number));
  }

  void TakeSize(const Field& field, const json& value) {
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    if (field.type == FieldType::kSizeOrNone && text == "none") return Set(field, value, text);
    const std::optional<PixelSize> size = ParsePixelSize(text);
    const auto fits = [](int64_t side) { return side >= kMinSide && side <= kMaxSide; };
    if (!size || !fits(size->width) || !fits(size->height)) {
      Invalid(field.name,
              fmt::format("is {}, wanted WIDTHxHEIGHT, such as 832x480, of {} to {} pixels each",
                          Shown(value), kMinSide, kMaxSide));
    }
    const auto [width, height] = *size;
    if (field.type == FieldType::kSize && (width % 2 != 0 || height % 2 != 0)) {
      Invalid(field.name,
              fmt::format("is {}, wanted an even width and height, such as {}x{}: the file stores "
                          "chroma at half the size (4:2:0)",
                          text, width / 2 * 2, height / 2 * 2));
    }
    if (width * height > limits_.max_pixels) {
      Invalid(field.name, fmt::format("is {}, {} pixels; this server makes {} at most", text,
                                      width * height, limits_.max_pixels));
    }
    Set(field, value, fmt::format("{}x{}", width, height));
  }

  void TakeName(const Field& field, const json& value) {
    const std::vector<std::string> names = Words(field.names);
    if (!value.is_string() || std::ranges::find(names, value.get<std::string>()) == names.end())
      Invalid(field.name, fmt::format("is {}, wanted {}", Shown(value), fmt::join(names, ", ")));
    const std::string name = field.name, text = value.get<std::string>();
    if (name == "input") {
      values_.input = text;
    } else {
      if (name == "model_loras") values_.own_loras = false;
      Set(field, value, text);
    }
  }

  void TakeLoras(const Field& field, const json& value) {
    const char* wanted = R"(wanted a list of {"name": text, "scale": number})";
    if (!value.is_array()) Invalid(field.name, fmt::format("is {}, {}", Shown(value), wanted));
    if (std::ssize(value) > kMaxLoras)
      Invalid(field.name,
              fmt::format("has {} entries, wanted {} at most", value.size(), kMaxLoras));
    for (const json& entry : value) {
      LoraChoice choice;
      bool good = entry.is_object() && entry.contains("name") && entry["name"].is_string();
      if (good && entry.contains("scale")) {
        good = entry["scale"].is_number() && std::abs(entry["scale"].get<double>()) <= 10;
        if (good) choice.scale = entry["scale"].get<double>();
      }
      if (!good || entry.size() > (entry.contains("scale") ? 2U : 1U))
        Invalid(field.name,
                fmt::format("has the entry {}, {}, of -10 to 10", Shown(entry), wanted));
      choice.name = entry["name"].get<std::string>();
      values_.loras.push_back(choice);
    }
    Set(field, value, "");
  }

  // What one field alone does not show.
  void CheckTogether(const json& object) const {
    const auto given = [&](const char* name) {
      return object.contains(name) && !object[name].is_null();
    };
    if (use_ == FieldUse::kSubmission && !given("prompt"))
      throw ApiError(400, "missing_field", "`prompt` is missing", "prompt");
    if (given("seconds") && given("num_frames"))
      Invalid("seconds", "and `num_frames` are both given; wanted one of them");
    if (given("source_video") && !values_.input.empty())
      Invalid("source_video", "and `input` are both given; wanted one of them");
  }

  const Limits& limits_;
  FieldUse use_;
  FieldValues values_;
};

}  // namespace

FieldValues ParseFields(const json& object, const Limits& limits, FieldUse use) {
  return Parser(limits, use).Parse(object);
}

json FormToJson(const std::map<std::string, std::string>& parts, FieldUse use) {
  json object = json::object();
  for (const auto& [name, text] : parts) {
    const auto integer = ParseNumber<int64_t>(text);
    const auto number = ParseFinite(text);
    const FieldType type = FieldOf(name, use).type;
    if (type == FieldType::kInteger && integer) {
      object[name] = *integer;
    } else if (type == FieldType::kNumber && number) {
      object[name] = *number;
    } else if (type == FieldType::kLoras) {
      try {
        object[name] = ParseJson(text, "`loras`");
      } catch (const std::exception& error) {
        Invalid(name, std::string("is not JSON: ") + error.what());
      }
    } else {
      object[name] = text;  // its type is checked with the others
    }
  }
  return object;
}

}  // namespace t3::serve
