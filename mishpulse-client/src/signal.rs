//! What is told to the monitor: a status and perhaps a message, never longer than the monitor keeps.

use std::fmt::{self, Display, Write};

/// The longest message that is kept and sent, in bytes of UTF-8: 4,096, which is also where the monitor cuts.
///
/// What is longer is cut at a character boundary before it is kept, so a huge message costs no memory.
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// How a service says it is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// All is well.
    Ok,
    /// Something deserves a look, but the service does its work.
    Warning,
    /// The service does not do its work; the monitor tells people.
    Error,
}

impl Status {
    /// The word on the wire: `ok`, `warning` or `error`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One heartbeat: a [`Status`] and perhaps a message of at most [`MESSAGE_BYTES_MAX`] bytes.
///
/// ```
/// use mishpulse_client::{Signal, Status};
///
/// let signal = Signal::warning(format_args!("disk {} %", 91));
/// assert_eq!(signal.status(), Status::Warning);
/// assert_eq!(signal.message(), Some("disk 91 %"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a signal does nothing until it is sent"]
pub struct Signal {
    status: Status,
    message: Option<String>,
}

impl Signal {
    /// All is well, without a message.
    pub const fn ok() -> Self {
        Self { status: Status::Ok, message: None }
    }

    /// A warning that says what deserves a look.
    pub fn warning(message: impl Display) -> Self {
        Self::new(Status::Warning, Some(message))
    }

    /// An error that says what went wrong.
    pub fn error(message: impl Display) -> Self {
        Self::new(Status::Error, Some(message))
    }

    /// Any status with or without a message. An empty message counts as none.
    pub fn new(status: Status, message: Option<impl Display>) -> Self {
        let message = message.map(bounded).filter(|text| !text.is_empty());
        Self { status, message }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The message, already cut to [`MESSAGE_BYTES_MAX`].
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl From<Status> for Signal {
    fn from(status: Status) -> Self {
        Self { status, message: None }
    }
}

/// `text` as it prints, cut at a character boundary to [`MESSAGE_BYTES_MAX`]; the rest is never even made.
pub(crate) fn bounded(text: impl Display) -> String {
    bounded_to(text, MESSAGE_BYTES_MAX)
}

/// Like [`bounded`] with a limit of its own. The alternate form makes error types print their causes too.
pub(crate) fn bounded_to(text: impl Display, bytes_max: usize) -> String {
    let mut cut = Cut { text: String::new(), bytes_max };
    // An error means full, or a `Display` that gave up: what came until then is the message.
    let _ = write!(cut, "{text:#}");
    cut.text
}

/// A writer that takes so much and then refuses, which stops the one who formats.
struct Cut {
    text: String,
    bytes_max: usize,
}

impl Write for Cut {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let room = self.bytes_max - self.text.len();
        if piece.len() <= room {
            self.text.push_str(piece);
            return Ok(());
        }
        let mut end = room;
        while !piece.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&piece[..end]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_at_a_character_boundary() {
        let text = bounded("é".repeat(4000).replacen('é', "e", 1));
        assert_eq!(text.len(), 4095);
        assert!(text.ends_with('é'));
        assert_eq!(bounded("a".repeat(MESSAGE_BYTES_MAX)).len(), MESSAGE_BYTES_MAX);
    }

    #[test]
    fn an_endless_message_ends() {
        struct Endless;
        impl Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("again ")?;
                }
            }
        }
        assert_eq!(bounded(Endless).len(), MESSAGE_BYTES_MAX);
    }
}
