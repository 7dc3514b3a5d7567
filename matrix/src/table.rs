//! Tables as text, Markdown and CSV, from the same rows.
//!
//! A cell is a string that is already formatted; this module only knows how wide it is and where the lines go. Widths count
//! characters: everything the matrix prints is one column wide.

use std::fmt::Write;

/// Text keeps to so many columns where it can.
const WIDTH_MAX: usize = 120;

/// Between two columns.
const GAP: &str = "  ";

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people at a terminal
    #[default]
    Text,
    /// For programs; every figure, unrounded
    Json,
    /// For spreadsheets; every figure, unrounded; a second table stands behind an empty line
    Csv,
    /// For documents
    Md,
}

/// A head row and rows of the same length. The first column is aligned left, all others right.
#[derive(Clone, Debug, Default)]
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(heads: impl IntoIterator<Item = impl Into<String>>) -> Table {
        Table {
            heads: heads.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// When it is not as long as the heads.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(
            cells.len(),
            self.heads.len(),
            "a row is as long as the heads"
        );
        self.rows.push(cells);
    }

    /// The heads of its columns.
    #[must_use]
    pub fn heads(&self) -> &[String] {
        &self.heads
    }

    /// Its rows, each as long as the heads.
    #[must_use]
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Aligned columns, two spaces apart. Where they are too wide together, heads are broken over several lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut heads: Vec<Vec<String>> =
            self.heads.iter().map(|head| vec![head.clone()]).collect();
        if self.width(&heads) > WIDTH_MAX {
            heads = (self.heads.iter().enumerate())
                .map(|(column, head)| broken(head, self.width_of_rows(column)))
                .collect();
        }
        let height = heads.iter().map(Vec::len).max().unwrap_or(0);
        // Heads stand on the rows.
        let head_line = |line: usize| -> Vec<String> {
            let cell = |head: &Vec<String>| {
                let place = (line + head.len()).checked_sub(height);
                place.map_or_else(String::new, |place| head[place].clone())
            };
            heads.iter().map(cell).collect()
        };
        let head_lines: Vec<Vec<String>> = (0..height).map(head_line).collect();
        let widths = self.widths(&heads);
        head_lines
            .iter()
            .chain(&self.rows)
            .fold(String::new(), |mut text, cells| {
                let padded = cells.iter().zip(&widths).enumerate().map(
                    |(column, (cell, width))| match column {
                        0 => format!("{cell:<width$}"),
                        _ => format!("{cell:>width$}"),
                    },
                );
                let line = padded.collect::<Vec<_>>().join(GAP);
                writeln!(text, "{}", line.trim_end()).expect("a String takes everything");
                text
            })
    }

    /// A GitHub-flavoured table.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let escaped: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", escaped.join(" | "))
        };
        let rule = format!(
            "|---{}|\n",
            "|--:".repeat(self.heads.len().saturating_sub(1))
        );
        let rows: String = self.rows.iter().map(|cells| line(cells)).collect();
        format!("{}{rule}{rows}", line(&self.heads))
    }

    /// Comma-separated values (RFC 4180).
    #[must_use]
    pub fn csv(&self) -> String {
        let quoted = |cell: &String| match cell.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        };
        let line =
            |cells: &Vec<String>| cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n";
        std::iter::once(&self.heads)
            .chain(&self.rows)
            .map(line)
            .collect()
    }

    fn width_of_rows(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|cells| width(&cells[column]));
        cells.max().unwrap_or(0)
    }

    fn widths(&self, heads: &[Vec<String>]) -> Vec<usize> {
        let of_head = |head: &Vec<String>| head.iter().map(|line| width(line)).max().unwrap_or(0);
        let columns = heads.iter().enumerate();
        columns
            .map(|(column, head)| of_head(head).max(self.width_of_rows(column)))
            .collect()
    }

    fn width(&self, heads: &[Vec<String>]) -> usize {
        let gaps = GAP.len() * heads.len().saturating_sub(1);
        self.widths(heads).iter().sum::<usize>() + gaps
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Lines of whole words that are no wider than `width_max`, unless a word is.
fn broken(text: &str, width_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= width_max => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A sentence for a terminal: further lines are indented.
#[must_use]
pub fn folded(sentence: &str) -> String {
    let indent = "  ";
    broken(sentence, WIDTH_MAX - indent.len()).join(&format!("\n{indent}"))
}

/// Lines as a Markdown list; as plain lines they would run together.
#[must_use]
pub fn markdown_list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {line}\n")).collect()
}

/// A number with three significant digits, or all digits before the point; `n/a` where there is none.
#[must_use]
pub fn number(value: Option<f64>) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else {
        return "n/a".to_owned();
    };
    let decimals = match value.abs() {
        small if small < 1.0 => 3,
        small if small < 10.0 => 2,
        small if small < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// A log-ratio as a signed percentage.
#[must_use]
pub fn percent(log_ratio: f64) -> String {
    format!("{:+.1}", log_ratio.exp_m1() * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["design", "µs"]);
        table.row(vec!["a|b".to_owned(), "3.45".to_owned()]);
        table.row(vec!["c, \"d\"".to_owned(), "12".to_owned()]);
        table
    }

    #[test]
    fn text_is_aligned_by_characters() {
        assert_eq!(
            table().text(),
            "design    µs\na|b     3.45\nc, \"d\"    12\n"
        );
    }

    #[test]
    fn heads_are_broken_where_columns_are_too_wide() {
        let mut table = Table::new(["design", "CPU µs/req", "% to first [95 %]", "p50"]);
        let name = "n".repeat(90);
        table.row(vec![
            name.clone(),
            "3.45".to_owned(),
            "+1.0 [+0.5, +1.5]".to_owned(),
            "7".to_owned(),
        ]);
        let (wide, gap) = (
            GAP.to_owned() + "3.45  +1.0 [+0.5, +1.5]    7",
            " ".repeat(84),
        );
        assert_eq!(
            table.text(),
            format!(
                "{}     CPU\ndesign{gap}  µs/req  % to first [95 %]  p50\n{name}  {wide}\n",
                " ".repeat(90)
            )
        );
        table.rows.clear();
        assert_eq!(table.text(), "design  CPU µs/req  % to first [95 %]  p50\n");
    }

    #[test]
    fn long_sentences_are_folded_between_words() {
        let sentence = ["word"; 30].join(" ");
        let folded = folded(&sentence);
        assert_eq!(folded.replace("\n  ", " "), sentence);
        let widths: Vec<usize> = folded.lines().map(width).collect();
        assert_eq!(widths, [114, 36], "{folded}");
    }

    #[test]
    fn markdown_and_csv_escape_their_own_signs() {
        assert_eq!(
            table().markdown(),
            "| design | µs |\n|---|--:|\n| a\\|b | 3.45 |\n| c, \"d\" | 12 |\n"
        );
        assert_eq!(
            table().csv(),
            "design,µs\r\na|b,3.45\r\n\"c, \"\"d\"\"\",12\r\n"
        );
    }

    #[test]
    fn numbers_keep_three_digits() {
        let numbers = [0.2534, 3.456, 34.56, 345.6, 83_123.4].map(|value| number(Some(value)));
        assert_eq!(numbers, ["0.253", "3.46", "34.6", "346", "83123"]);
        assert_eq!(number(None), "n/a");
        assert_eq!(number(Some(f64::NAN)), "n/a");
        assert_eq!(percent(1.032_f64.ln()), "+3.2");
    }
}
