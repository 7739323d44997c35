//! What was found, for people and for scripts.

use std::io::{self, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde_json::json;

use super::finding::{Finding, Level};
use crate::cli::service::say;

/// Prints `findings` on stdout, as JSON or in words.
pub(super) fn print(findings: &[Finding], is_json: bool) {
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
    if is_json {
        say(&json!({ "result": worst, "findings": findings }).to_string());
        return;
    }
    // A reader that has gone away is no reason to fail.
    let _ = write(&mut AutoStream::auto(io::stdout().lock()), findings);
}

fn write(to: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    let mut area = None;
    for finding in findings {
        if area.replace(finding.area) != Some(finding.area) {
            let bold = Style::new().bold();
            writeln!(to, "{bold}{}{bold:#}", finding.area.as_str())?;
        }
        let style = style(finding.level);
        writeln!(to, "  {style}{:7}{style:#}  {}", finding.level.as_str(), clean(&finding.what))?;
        if let Some(advice) = &finding.advice {
            writeln!(to, "           -> {}", clean(advice))?;
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let summary = match (count(Level::Problem), count(Level::Warning)) {
        (0, 0) => "all is well".to_owned(),
        (0, warnings) => format!("no problems, {}", counted(warnings, "warning")),
        (problems, 0) => counted(problems, "problem"),
        (problems, warnings) => {
            format!("{}, {}", counted(problems, "problem"), counted(warnings, "warning"))
        }
    };
    writeln!(to, "\n{summary}")
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What a server far away says must not drive the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn style(level: Level) -> Style {
    match level {
        Level::Ok => AnsiColor::Green.on_default(),
        Level::Warning => AnsiColor::Yellow.on_default(),
        Level::Problem => AnsiColor::Red.on_default().bold(),
    }
}
