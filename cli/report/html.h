// HTML and SVG as text. What these functions make is well-formed XML too: every tag is closed,
// every attribute quoted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shoal::report {

// Text from outside, made harmless in content and in attributes: & < > " ' as entities; bytes that
// are not UTF-8, and control characters but newline and tab, as U+FFFD.
std::string Escaped(std::string_view text);

// <name attributes>content</name>; `attributes` and `content` are markup already.
std::string Element(std::string_view name, std::string_view attributes, std::string_view content);
inline std::string Element(std::string_view name, std::string_view content) {
  return Element(name, "", content);
}

// <h2> with an id made of its first word: a page's link #data leads to "Data".
std::string Heading(std::string_view text);

// A cell: markup, and whether it is a number (to the right, digits of one width).
struct HtmlCell {
  std::string markup;
  bool number = false;
  std::string css;  // another class; may be empty
};

// A table; columns in which every cell is empty are left out, and the header line where every title
// is.
class HtmlTable {
 public:
  explicit HtmlTable(std::vector<std::string> titles) : titles_(std::move(titles)) {}
  // One cell per title.
  void Add(std::vector<HtmlCell> cells, std::string css = "");
  bool empty() const { return rows_.empty(); }
  std::string Render(std::string_view css = "") const;

 private:
  struct Row {
    std::vector<HtmlCell> cells;
    std::string css;
  };
  std::vector<std::string> titles_;
  std::vector<Row> rows_;
};

HtmlCell TextOf(std::string_view text);    // escaped
HtmlCell NumberOf(std::string_view text);  // escaped, to the right

}  // namespace shoal::report
