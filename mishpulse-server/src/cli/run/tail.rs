//! The last lines of what a command writes, in bounded memory.

use std::borrow::Cow;
use std::collections::VecDeque;

use anstream::adapter::strip_bytes;

use super::mask::Mask;

/// Keeps the last lines of several streams in the order in which they ended.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<Line>,
    open: [Line; STREAMS],
}

/// One line, as the command wrote it.
#[derive(Debug, Default)]
struct Line {
    bytes: Vec<u8>,
    /// Its beginning is missing.
    is_cut: bool,
}

impl Tail {
    /// Takes in what came on `stream`, 0 or 1.
    pub(super) fn push(&mut self, stream: usize, bytes: &[u8]) {
        // What is sure to fall out again is not looked at.
        let (bytes, is_cut) = match bytes.len().checked_sub(LOOKED_AT_MAX) {
            Some(beyond) if beyond > 0 => (&bytes[beyond..], true),
            _ => (bytes, false),
        };
        self.open[stream].is_cut |= is_cut;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let open = &mut self.open[stream];
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    open.extend(end);
                    let line = std::mem::take(open);
                    self.close(line);
                }
                None => open.extend(piece),
            }
        }
    }

    /// The lines as text without colours and control characters, secrets masked, at most `bytes_max` bytes of their end.
    pub(super) fn text(mut self, mask: &Mask, bytes_max: usize) -> String {
        for stream in 0..STREAMS {
            let line = std::mem::take(&mut self.open[stream]);
            self.close(line);
        }
        let mut lines: Vec<String> = Vec::new();
        let mut bytes = 0;
        for line in self.lines.iter().rev() {
            let text = shortened(&line.printable(mask));
            bytes += text.len() + 1;
            if bytes > bytes_max + 1 {
                break;
            }
            lines.push(text);
        }
        lines.reverse();
        lines.join("\n")
    }

    fn close(&mut self, line: Line) {
        if line.bytes.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

impl Line {
    fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if let Some(beyond) = self.bytes.len().checked_sub(LINE_BYTES_MAX).filter(|beyond| *beyond > 0) {
            self.bytes.drain(..beyond);
            self.is_cut = true;
        }
    }

    fn printable(&self, mask: &Mask) -> String {
        let plain = strip_bytes(&self.bytes).into_vec();
        let text = String::from_utf8_lossy(&plain);
        // A progress bar writes over itself: what it wrote last is what one sees.
        let seen = text.trim_end().rsplit('\r').next().unwrap_or_default();
        let cut = if self.is_cut { mask.without_the_rest_of_a_secret(seen) } else { Cow::Borrowed(seen) };
        let masked = mask.apply(&cut);
        masked.chars().filter(|c| !c.is_control() || *c == '\t').collect()
    }
}

const STREAMS: usize = 2;
const LINES_MAX: usize = 20;
const LINE_BYTES_MAX: usize = 8 * 1024;
/// Enough for all lines that are kept, as long as they are shown.
const LOOKED_AT_MAX: usize = 64 * 1024;
/// How much of a line is shown: its beginning.
const SHOWN_BYTES_MAX: usize = 500;

fn shortened(line: &str) -> String {
    if line.len() <= SHOWN_BYTES_MAX {
        return line.to_owned();
    }
    let end = (0..=SHOWN_BYTES_MAX).rev().find(|end| line.is_char_boundary(*end)).unwrap_or_default();
    format!("{}…", &line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pieces: &[(usize, &str)]) -> String {
        let mut tail = Tail::default();
        pieces.iter().for_each(|(stream, piece)| tail.push(*stream, piece.as_bytes()));
        tail.text(&Mask::default(), 3000)
    }

    #[test]
    fn the_last_lines_of_both_streams_are_kept_in_order() {
        assert_eq!(text(&[(0, "a\nb"), (1, "oops\n"), (0, "c\n"), (1, "end")]), "a\noops\nbc\nend");
        let many: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        let kept = text(&[(0, &many)]);
        assert_eq!(kept.lines().count(), LINES_MAX);
        assert!(kept.starts_with("line 980\n") && kept.ends_with("line 999"));
    }

    #[test]
    fn what_a_terminal_would_not_show_is_left_out() {
        assert_eq!(text(&[(0, " 10 %\r 99 %\r\n\n  \n\u{1b}[31mred\u{1b}[0m\u{7}\n")]), " 99 %\nred");
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut tail = Tail::default();
        for _ in 0..100 {
            tail.push(0, &[b'x'; 1_000_000]);
        }
        assert!(tail.open[0].bytes.len() <= LINE_BYTES_MAX);
        assert!(tail.text(&Mask::default(), 3000).len() < 600);
        assert!(text(&[(0, &"é".repeat(4000))]).ends_with("é…"));
    }

    #[test]
    fn a_secret_that_was_cut_in_two_does_not_show() {
        let mask = Mask::of([("API_TOKEN", "s3cret-value-of-mine")]);
        let mut tail = Tail::default();
        let filler = "x".repeat(LINE_BYTES_MAX - 10);
        tail.push(0, format!("s3cret-value-of-mine{filler}\n").as_bytes());
        let text = tail.text(&mask, 3000);
        assert!(text.starts_with("***xxx"), "{}", &text[..40]);
    }
}
