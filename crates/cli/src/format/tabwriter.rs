//! Columns aligned as Go's `text/tabwriter` aligns them, as Docker's tables use it.
//!
//! A cell is text that ends in a tab. A column is a run of adjacent lines that all have a cell at that
//! place; the text after a line's last tab is not part of any column. Width counts letters.

use unicode_width::UnicodeWidthChar;

/// How wide a letter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letters {
    /// Every letter is one wide, as in Go's own package.
    Narrow,
    /// East Asian wide letters are two wide, as in the copy that Docker's table formatter uses.
    East,
}

/// The alignment of one table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// No column is narrower than this, its padding included.
    pub(crate) minimum: usize,
    /// Spaces added to the widest cell of a column.
    pub(crate) padding: usize,
    /// How letters are counted.
    pub(crate) letters: Letters,
}

/// Docker's tables: at least 10 wide, three spaces between.
pub(crate) const TABLE: Layout = Layout { minimum: 10, padding: 3, letters: Letters::East };

/// Aligns the tab-separated lines of `text`.
pub(crate) fn align(text: &str, layout: Layout) -> String {
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> =
        lines.iter().map(|cells| vec![0; cells.len().saturating_sub(1)]).collect();
    for index in 0..lines.len() {
        for column in 0..widths[index].len() {
            if widths[index][column] == 0 {
                measure_column(&lines, &mut widths, index, column, layout);
            }
        }
    }
    let mut out = String::with_capacity(text.len() * 2);
    for (index, cells) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        for (column, cell) in cells.iter().enumerate() {
            out.push_str(cell);
            if let Some(width) = widths[index].get(column) {
                let missing = width.saturating_sub(letters_of(cell, layout.letters));
                out.extend(std::iter::repeat_n(' ', missing));
            }
        }
    }
    out
}

/// Gives every line of the block that starts at `first` the width of its widest cell in `column`.
fn measure_column(
    lines: &[Vec<&str>],
    widths: &mut [Vec<usize>],
    first: usize,
    column: usize,
    layout: Layout,
) {
    let block = (first..lines.len()).take_while(|line| column + 1 < lines[*line].len());
    let last = block.last().unwrap_or(first);
    let widest = lines[first..=last].iter().map(|cells| letters_of(cells[column], layout.letters)).max();
    let width = layout.minimum.max(widest.unwrap_or(0) + layout.padding);
    for line in &mut widths[first..=last] {
        line[column] = width;
    }
}

fn letters_of(text: &str, letters: Letters) -> usize {
    match letters {
        Letters::Narrow => text.chars().count(),
        Letters::East => text.chars().map(|letter| letter.width().unwrap_or(0)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns_like_go() {
        let table = "NAME\tID\tX\na\tlonger than ten\tx\n";
        assert_eq!(align(table, TABLE), "NAME      ID                X\na         longer than ten   x\n");
    }

    #[test]
    fn a_line_without_the_cell_ends_a_column() {
        let narrow = Layout { minimum: 0, padding: 1, letters: Letters::Narrow };
        assert_eq!(align("aaaa\tb\nc\nd\te\n", narrow), "aaaa b\nc\nd e\n");
    }

    #[test]
    fn counts_wide_letters_twice() {
        assert_eq!(align("世界世界世界\tb\nc\td\n", TABLE), "世界世界世界   b\nc              d\n");
    }

    #[test]
    fn trailing_tabs_pad() {
        assert_eq!(align("a\t\nlonglonglong\t\n", TABLE), "a              \nlonglonglong   \n");
    }
}
