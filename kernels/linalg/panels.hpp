// Matrices stored in panels, and the ranges of rows and columns that loops run over.
//
// Compiled for every instruction set and for the host: functions are `static`, so that no two
// instruction sets share a symbol.
#pragma once

namespace chainrule {

constexpr long cache_line_bytes = 64;
constexpr long panel_bytes = 4 * cache_line_bytes;

// Numbers in a cache line. Every width is padded with zeros to whole lines.
template <class T>
constexpr long line = cache_line_bytes / long(sizeof(T));

template <class T>
constexpr long max_panel_width = panel_bytes / long(sizeof(T));

static constexpr long round_up(long count, long multiple) {
    return (count + multiple - 1) / multiple * multiple;
}

// The half-open range [first, last).
struct Range {
    long first;
    long last;
};

static inline long length(const Range &range) {
    return range.last - range.first;
}

// A (rows, columns) matrix cut into panels of adjacent columns; a panel's rows follow one another
// in memory. A tile of a product then reads its panel from end to end, as hardware prefetching
// expects, and one row of a panel is one run of vectors.
//
// Panels are 256 bytes wide. Columns are first divided into parts of `columns_per_worker`, so that
// a worker can own whole panels; the last panel of each part may be narrower. columns and
// columns_per_worker are whole cache lines.
template <class T>
struct PanelMatrix {
    T *data;
    long rows;
    long columns;
    long columns_per_worker;
};

struct Panel {
    long first_column;
    long width;
};

// The panel that holds `column`.
template <class T>
static inline Panel panel_at(const PanelMatrix<T> &matrix, long column) {
    // Unsigned 32-bit division is several times faster than signed 64-bit division.
    const long part = long(unsigned(column) / unsigned(matrix.columns_per_worker));
    const long part_begin = part * matrix.columns_per_worker;
    const long part_end = part_begin + matrix.columns_per_worker < matrix.columns
                              ? part_begin + matrix.columns_per_worker
                              : matrix.columns;
    const long first = part_begin + ((column - part_begin) & -max_panel_width<T>);
    const long width =
        part_end - first < max_panel_width<T> ? part_end - first : max_panel_width<T>;
    return {.first_column = first, .width = width};
}

// Where element (row, column) lies in `data`.
template <class T>
static inline long offset(const PanelMatrix<T> &matrix, long row, long column) {
    const Panel panel = panel_at(matrix, column);
    return panel.first_column * matrix.rows + row * panel.width + (column - panel.first_column);
}

template <class T>
static inline long size(const PanelMatrix<T> &matrix) {
    return matrix.rows * matrix.columns;
}

// Calls f(first_column, width) for each panel, or part of a panel, in a range of columns.
template <class T, class F>
static inline void for_each_panel(const PanelMatrix<T> &matrix, const Range &columns, F &&f) {
    long next = columns.first;
    for (long c = columns.first; c < columns.last; c = next) {
        const Panel panel = panel_at(matrix, c);
        const long end = panel.first_column + panel.width;
        next = end < columns.last ? end : columns.last;
        f(c, next - c);
    }
}

template <class T, class F>
static inline void for_each_panel(const PanelMatrix<T> &matrix, F &&f) {
    for_each_panel(matrix, Range{.first = 0, .last = matrix.columns}, f);
}

}  // namespace chainrule
