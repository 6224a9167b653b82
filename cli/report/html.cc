#include "cli/report/html.h"

#include <algorithm>
#include <cctype>

#include "core/base/check.h"
#include "core/base/strings.h"
#include "core/data/utf8.h"

namespace shoal::report {

std::string Escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const data::Utf8Step step = data::NextUtf8(text.substr(at));
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::string_view character = text.substr(at, step.bytes);
    at += step.bytes;
    // XML knows neither control characters nor these two code points.
    const bool allowed = step.kind == data::Utf8Step::Kind::kComplete &&
                         (byte >= 0x20 || byte == '\n' || byte == '\t') && byte != 0x7f &&
                         character != "\xEF\xBF\xBE" && character != "\xEF\xBF\xBF";
    if (!allowed) {
      out += "\uFFFD";
    } else if (byte == '&') {
      out += "&amp;";
    } else if (byte == '<') {
      out += "&lt;";
    } else if (byte == '>') {
      out += "&gt;";
    } else if (byte == '"') {
      out += "&quot;";
    } else if (byte == '\'') {
      out += "&#39;";
    } else {
      out += character;
    }
  }
  return out;
}

std::string Element(std::string_view name, std::string_view attributes, std::string_view content) {
  return StrCat("<", name, attributes.empty() ? "" : " ", attributes, ">", content, "</", name,
                ">");
}

std::string Heading(std::string_view text) {
  std::string id;
  for (const char c : text.substr(0, text.find(' ')))
    id += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return Element("h2", StrCat("id=\"", id, "\""), Escaped(text));
}

void HtmlTable::Add(std::vector<HtmlCell> cells, std::string css) {
  SHOAL_CHECK(cells.size() == titles_.size());
  rows_.push_back({std::move(cells), std::move(css)});
}

std::string HtmlTable::Render(std::string_view css) const {
  std::vector<bool> shown(titles_.size());
  std::vector<bool> number(titles_.size());
  for (size_t c = 0; c < titles_.size(); ++c) {
    for (const Row& row : rows_) {
      shown[c] = shown[c] || !row.cells[c].markup.empty();
      number[c] = number[c] || row.cells[c].number;
    }
  }
  const auto attributes = [](bool right, std::string_view other) {
    const std::string names = StrCat(right ? "n" : "", right && !other.empty() ? " " : "", other);
    return names.empty() ? std::string() : StrCat("class=\"", names, "\"");
  };
  std::string head, body;
  for (size_t c = 0; c < titles_.size(); ++c) {
    if (shown[c]) head += Element("th", attributes(number[c], ""), Escaped(titles_[c]));
  }
  for (const Row& row : rows_) {
    std::string cells;
    for (size_t c = 0; c < row.cells.size(); ++c) {
      const HtmlCell& cell = row.cells[c];
      if (shown[c]) cells += Element("td", attributes(number[c], cell.css), cell.markup);
    }
    StrAppend(body, Element("tr", attributes(false, row.css), cells), "\n");
  }
  const bool titled = std::any_of(titles_.begin(), titles_.end(),
                                  [](const std::string& title) { return !title.empty(); });
  if (titled) head = StrCat(Element("thead", Element("tr", head)), "\n");
  return StrCat("<div class=\"scroll\">",
                Element("table", attributes(false, css),
                        StrCat("\n", titled ? head : "", "<tbody>\n", body, "</tbody>")),
                "</div>\n");
}

HtmlCell TextOf(std::string_view text) { return {Escaped(text), false, ""}; }
HtmlCell NumberOf(std::string_view text) { return {Escaped(text), true, ""}; }

}  // namespace shoal::report
