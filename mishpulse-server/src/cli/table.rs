//! Aligned tables: coloured on a terminal, plain where they are piped or `NO_COLOR` is set.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

/// Rows of cells under headers.
#[derive(Debug)]
pub(super) struct Table {
    headers: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    is_fancy: bool,
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Table {
    /// A table without rows yet.
    pub(super) fn new(headers: impl Into<Vec<&'static str>>) -> Self {
        Self { headers: headers.into(), rows: Vec::new(), is_fancy: is_fancy() }
    }

    /// One more row.
    pub(super) fn push(&mut self, row: impl Into<Vec<Cell>>) {
        self.rows.push(row.into());
    }

    /// Prints it on stdout. A reader that has gone away ends it.
    pub(super) fn print(&self) {
        let _ = self.write(&mut AutoStream::auto(io::stdout().lock()));
    }

    fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let header = Style::new().bold();
        let headers: Vec<Cell> =
            self.headers.iter().map(|text| Cell { text: (*text).to_owned(), style: header }).collect();
        let lines: Vec<&Vec<Cell>> = std::iter::once(&headers).chain(&self.rows).collect();
        let width = |column: usize| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.text.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.headers.len()).map(width).collect();
        for line in lines {
            for (column, cell) in line.iter().enumerate() {
                let style = if self.is_fancy { cell.style } else { Style::new() };
                write!(to, "{style}{}{style:#}", cell.text)?;
                // Nothing is padded at the end of a line.
                if column + 1 < line.len() {
                    let padding = widths[column].saturating_sub(cell.text.width()) + GAP;
                    write!(to, "{:padding$}", "")?;
                }
            }
            writeln!(to)?;
        }
        Ok(())
    }
}

impl Cell {
    /// Text as it is, but for control characters: what a service says must not drive the terminal.
    pub(super) fn new(text: &str) -> Self {
        let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { text, style: Style::new() }
    }

    /// Text that is there, or a dash.
    pub(super) fn some(text: Option<&str>) -> Self {
        text.filter(|text| !text.is_empty()).map_or_else(|| Self::new("-"), Self::new)
    }

    /// The same, on a terminal cut to what one line takes.
    pub(super) fn cut(mut self) -> Self {
        if is_fancy() && self.text.chars().count() > CUT_CHARS {
            self.text = self.text.chars().take(CUT_CHARS - 1).chain(['…']).collect();
        }
        self
    }

    /// A status with its colour and, on a terminal, its sign.
    pub(super) fn status(status: &str) -> Self {
        let (sign, color) = match status {
            "alive" => ("✅", AnsiColor::Green),
            "warning" => ("🟡", AnsiColor::Yellow),
            "error" => ("🟠", AnsiColor::BrightRed),
            "dead" => ("❌", AnsiColor::Red),
            "paused" => ("💤", AnsiColor::Blue),
            _ => ("⚪", AnsiColor::White),
        };
        let text = if is_fancy() { format!("{sign} {status}") } else { status.to_owned() };
        Self { style: color.on_default(), ..Self::new(&text) }
    }
}

/// Whether stdout shows colours.
pub(super) fn is_fancy() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Between two columns.
const GAP: usize = 2;
const CUT_CHARS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_what_one_sees() {
        let mut table = Table { headers: vec!["NAME", "SAYS"], rows: Vec::new(), is_fancy: false };
        table.push([Cell::new("бэкап"), Cell::new("a\u{1b}[31mb")]);
        table.push([Cell::new("日本"), Cell::some(None)]);
        let mut text = Vec::new();
        table.write(&mut text).expect("memory takes it");
        assert_eq!(String::from_utf8_lossy(&text), "NAME   SAYS\nбэкап  a [31mb\n日本   -\n");
    }
}
