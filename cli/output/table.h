// Tables for people: aligned columns, a header, nothing else. Numbers go right, text left.
//
//   RUN      PARAMS  HELD-OUT LOSS
//   tiny-L2   0.31M          1.734
#pragma once

#include <string>
#include <vector>

#include "cli/output/terminal.h"

namespace shoal::cli {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
    bool shrinks = false;  // cut first when the table is wider than the terminal
    int dispensable = 0;   // left out where it still is, the largest first; 0: never
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell per column; may hold escape codes, except in columns that shrink.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }

  // Columns that Render takes where nothing has to shrink.
  int Width() const;

  // The whole table, with a newline after every row. Columns that are empty everywhere are left
  // out; others only where the terminal cuts.
  std::string Render(const Terminal& terminal) const;

 private:
  std::vector<int> Widths() const;  // of each column; 0: empty everywhere
  // Makes the widths fit, as far as they can: 0 is a column left out.
  void Fit(int columns, std::vector<int>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace shoal::cli
