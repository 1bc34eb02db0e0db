// Images under affine maps: the C++ form of calculus/distortion.py, which gives the same bits.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "runtime/thread_pool.hpp"

namespace chainrule::host {

// Places are whole numbers of 2^-16 pixels.
inline constexpr int fraction_bits = 16;
inline constexpr std::int64_t one_pixel = std::int64_t(1) << fraction_bits;

// Rows or columns of an image: first, ..., last - 1.
struct Span {
    std::int64_t first;
    std::int64_t last;
};

// floor(a / b), where b is above 0.
inline std::int64_t floor_divided(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

// The columns c of 0, ..., columns - 1 with low <= start + step * c < high.
inline Span columns_between(std::int64_t start, std::int64_t step, std::int64_t low,
                            std::int64_t high, std::int64_t columns) {
    if (step < 0) {
        return columns_between(-start, -step, 1 - high, 1 - low, columns);
    }
    if (step == 0) {
        return {0, low <= start && start < high ? columns : 0};
    }
    const auto first_from = [&](std::int64_t limit) {  // the least c with start + step * c >= limit
        return std::clamp<std::int64_t>(-floor_divided(start - limit, step), 0, columns);
    };
    return {first_from(low), first_from(high)};
}

// A copy of one image with a border of background, one pixel wide, and where its ink lies: all
// pixels outside `rows` and `columns` are background to the last bit.
template <class Value>
class PaddedImage {
public:
    Span ink_rows{};
    Span ink_columns{};
    const std::int64_t n_rows;
    const std::int64_t n_columns;
    const Value background;

    PaddedImage(std::int64_t rows, std::int64_t columns, bool light)
        : n_rows(rows),
          n_columns(columns),
          background(light ? (std::is_same_v<Value, std::uint8_t> ? Value(255) : Value(1))
                           : Value(0)),
          pixels(std::size_t((rows + 2) * (columns + 2)), background) {}

    void copy(const Value *image) {
        for (std::int64_t row = 0; row < n_rows; ++row) {
            std::memcpy(at(row, 0), image + row * n_columns,
                        std::size_t(n_columns) * sizeof(Value));
        }
        find_ink();
    }

    // The pixel of a row from -1 to n_rows, and a column from -1 to n_columns.
    Value *at(std::int64_t row, std::int64_t column) {
        return pixels.data() + (row + 1) * (n_columns + 2) + column + 1;
    }
    const Value *at(std::int64_t row, std::int64_t column) const {
        return pixels.data() + (row + 1) * (n_columns + 2) + column + 1;
    }

private:
    std::vector<Value> pixels;

    // Compares bits, since -0 is not the background 0: it may give -0 between pixels.
    bool is_ink(std::int64_t row, std::int64_t column) const {
        return bits_of(*at(row, column)) != bits_of(background);
    }

    static auto bits_of(Value value) {
        if constexpr (sizeof(Value) == sizeof(std::uint8_t)) {
            return value;
        } else if constexpr (sizeof(Value) == sizeof(std::uint32_t)) {
            return std::bit_cast<std::uint32_t>(value);
        } else {
            return std::bit_cast<std::uint64_t>(value);
        }
    }

    void find_ink() {
        ink_rows = {n_rows, 0};
        ink_columns = {n_columns, 0};
        for (std::int64_t row = 0; row < n_rows; ++row) {
            std::int64_t first = 0;
            while (first < n_columns && !is_ink(row, first)) {
                ++first;
            }
            if (first == n_columns) {
                continue;
            }
            std::int64_t last = n_columns;
            while (last > ink_columns.last && !is_ink(row, last - 1)) {
                --last;
            }
            ink_rows = {std::min(ink_rows.first, row), row + 1};
            ink_columns = {std::min(ink_columns.first, first), std::max(ink_columns.last, last)};
        }
    }
};

// The value between four pixels; `row` and `column` are the fractions of a pixel, below one_pixel.
inline std::uint8_t interpolate(const std::uint8_t *above, const std::uint8_t *below,
                                std::int64_t row, std::int64_t column) {
    const int down = int(row >> 8);
    const int across = int(column >> 8);
    const int upper = (256 - across) * above[0] + across * above[1];
    const int lower = (256 - across) * below[0] + across * below[1];
    return std::uint8_t(((256 - down) * upper + down * lower + (1 << 15)) >> 16);
}

template <class Float>
Float interpolate(const Float *above, const Float *below, std::int64_t row, std::int64_t column) {
    const Float down = Float(row) * Float(1.0 / one_pixel);
    const Float across = Float(column) * Float(1.0 / one_pixel);
    const Float upper = (1 - across) * above[0] + across * above[1];
    const Float lower = (1 - across) * below[0] + across * below[1];
    return (1 - down) * upper + down * lower;
}

// Where the pixels of one row of a new image come from: its pixel c from (row + c * row_step,
// column + c * column_step) in the old one.
struct Line {
    std::int64_t row;
    std::int64_t row_step;
    std::int64_t column;
    std::int64_t column_step;
};

// Interpolates the pixels first, ..., last - 1 of a line. All that the loop reads is copied first:
// the compiler must suppose that a byte it writes may be a part of anything else.
template <class Value>
void fill_line(const PaddedImage<Value> &image, const Line line, Span columns, Value *out) {
    const Value *origin = image.at(0, 0);
    const std::int64_t stride = image.n_columns + 2;
    std::int64_t row = line.row + columns.first * line.row_step;
    std::int64_t column = line.column + columns.first * line.column_step;
    for (std::int64_t c = columns.first; c < columns.last; ++c) {
        const Value *above = origin + (row >> fraction_bits) * stride + (column >> fraction_bits);
        out[c] =
            interpolate(above, above + stride, row & (one_pixel - 1), column & (one_pixel - 1));
        row += line.row_step;
        column += line.column_step;
    }
}

// Writes an image under the inverse of a map, (2, 3). Only pixels that come from the ink, or from
// beside it, are interpolated.
template <class Value>
void distort_image(const PaddedImage<Value> &image, const std::int64_t *map, Value *out) {
    const auto from_ink = [&](std::int64_t start, std::int64_t step, const Span &ink) {
        return columns_between(start, step, (ink.first - 1) * one_pixel, ink.last * one_pixel,
                               image.n_columns);
    };
    std::fill_n(out, image.n_rows * image.n_columns, image.background);
    for (std::int64_t row = 0; row < image.n_rows; ++row) {
        const Line line{map[0] * row + map[2], map[1], map[3] * row + map[5], map[4]};
        const Span by_row = from_ink(line.row, line.row_step, image.ink_rows);
        const Span by_column = from_ink(line.column, line.column_step, image.ink_columns);
        const Span both{std::max(by_row.first, by_column.first),
                        std::min(by_row.last, by_column.last)};
        fill_line(image, line, both, out + row * image.n_columns);
    }
}

// images and out: (n, rows, columns); maps: (n, 2, 3).
template <class Value>
void distort_images(const Value *images, std::int64_t n, std::int64_t rows, std::int64_t columns,
                    const std::int64_t *maps, bool light, Value *out, int threads) {
    for_ranges_of_rows(n, threads, [=](std::int64_t first, std::int64_t last) {
        if (first == last) {
            return;  // without the memory of an image, which may be large where there are none
        }
        PaddedImage<Value> image(rows, columns, light);
        for (std::int64_t i = first; i < last; ++i) {
            image.copy(images + i * rows * columns);
            distort_image(image, maps + 6 * i, out + i * rows * columns);
        }
    });
}

}  // namespace chainrule::host
