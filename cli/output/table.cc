#include "cli/output/table.h"

#include <algorithm>

#include "core/base/check.h"

namespace shoal::cli {
namespace {

constexpr int kLeastShrunk = 12;

std::string Padded(const std::string& cell, int width, Table::Align align) {
  const std::string space(static_cast<size_t>(std::max(0, width - DisplayWidth(cell))), ' ');
  return align == Table::Align::kRight ? space + cell : cell + space;
}

}  // namespace

std::vector<int> Table::Widths() const {
  std::vector<int> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    SHOAL_CHECK(row.size() == columns_.size());
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], DisplayWidth(row[c]));
  }
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (widths[c] > 0) widths[c] = std::max(widths[c], DisplayWidth(columns_[c].title));
  }
  return widths;
}

int Table::Width() const {
  int used = -2;
  for (const int width : Widths()) used += width == 0 ? 0 : width + 2;
  return std::max(used, 0);
}

void Table::Fit(int columns, std::vector<int>& widths) const {
  // How much a column can give away and still be read.
  const auto spare = [&](size_t c) {
    const int smallest = std::max(kLeastShrunk, DisplayWidth(columns_[c].title));
    return columns_[c].shrinks ? std::max(0, widths[c] - smallest) : 0;
  };
  int used = Width();
  while (true) {
    int least = used;
    size_t first = columns_.size();  // to go
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (widths[c] == 0) continue;
      least -= spare(c);
      const int before = first == columns_.size() ? 0 : columns_[first].dispensable;
      if (columns_[c].dispensable > before) first = c;
    }
    if (least <= columns || first == columns_.size()) break;
    used -= widths[first] + 2;
    widths[first] = 0;
  }
  for (size_t c = 0; c < columns_.size() && used > columns; ++c) {
    if (widths[c] == 0) continue;
    const int cut = std::min(used - columns, spare(c));
    widths[c] -= cut;
    used -= cut;
  }
}

std::string Table::Render(const Terminal& terminal) const {
  std::vector<int> widths = Widths();
  if (terminal.cuts) Fit(terminal.columns, widths);

  const auto line = [&](const auto& cell_of) {
    std::string out;
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (widths[c] == 0) continue;
      if (!out.empty()) out += "  ";
      out += cell_of(c);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + "\n";
  };
  std::string out = line([&](size_t c) {
    return Styled(terminal, Style::kDim, Padded(columns_[c].title, widths[c], columns_[c].align));
  });
  for (const auto& row : rows_) {
    out += line([&](size_t c) {
      const std::string cell = columns_[c].shrinks ? Ellipsize(row[c], widths[c]) : row[c];
      return Padded(cell, widths[c], columns_[c].align);
    });
  }
  return out;
}

}  // namespace shoal::cli
