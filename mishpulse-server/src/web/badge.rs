//! Badges: `GET /badge/<id>.svg` and `.json`, for README files and wikis.
//!
//! A badge's id is the service's handle and a signature of it and of the token under a secret of this server. It gives
//! nothing of the token away, cannot be guessed, stays through renames, and needs no list of ids to be found. Another
//! token is another badge.

use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use mishpulse_core::{ServiceId, Status};
use serde_json::json;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::Web;
use super::words::Words;
use crate::engine::RowRef;
use crate::http::{Reply, Request, StatusCode, header};
use crate::notify::text::one_line;

/// Makes and knows the ids of badges.
#[derive(Clone)]
pub struct BadgeIds {
    secret: [u8; 32],
}

impl BadgeIds {
    /// Those of the secret in `badge.key` in `data_dir`, which is made where it is not there.
    ///
    /// # Errors
    /// Where it can neither be read nor made.
    pub fn open(data_dir: &Path) -> std::io::Result<Self> {
        use std::io::{Error, ErrorKind, Write as _};
        use std::os::unix::fs::OpenOptionsExt as _;
        let file = data_dir.join(FILE);
        match std::fs::read(&file) {
            Ok(secret) => {
                let wrong = || Error::new(ErrorKind::InvalidData, "it is not 32 bytes long; remove it");
                Ok(Self { secret: secret.try_into().map_err(|_| wrong())? })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut secret = [0; 32];
                getrandom::fill(&mut secret).map_err(|error| Error::other(error.to_string()))?;
                let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
                let mut made = made?;
                made.write_all(&secret)?;
                made.sync_all()?;
                Ok(Self { secret })
            }
            Err(error) => Err(error),
        }
    }

    /// The id of the badge of `row`.
    pub(super) fn of(&self, row: RowRef<'_>) -> String {
        let signature = self.sign(row.id, &row.token().text());
        format!("{}-{signature}", row.id.number())
    }

    fn sign(&self, id: ServiceId, token: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else { return String::new() };
        mac.update(b"badge");
        mac.update(&id.number().to_le_bytes());
        mac.update(token.as_bytes());
        mac.finalize().into_bytes().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Debug for BadgeIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BadgeIds").finish_non_exhaustive()
    }
}

/// Answers `GET /badge/{file}`. A badge is shown to whoever knows its id, also where the page is closed.
pub(super) fn answer(web: &Web, request: &Request) -> Reply {
    let file = request.param(0).unwrap_or_default();
    let Some((id, ending)) = file.rsplit_once('.').filter(|(_, ending)| ["svg", "json"].contains(ending))
    else {
        return Reply::problem(StatusCode::NOT_FOUND, "a badge is at /badge/<id>.svg or /badge/<id>.json");
    };
    let accepted = request.header(header::ACCEPT_LANGUAGE).filter(|_| ending == "svg");
    let words = Words::preferred(accepted, web.settings.borrow().locale);
    let found = web.board.read(|view| {
        let (number, signature) = id.split_once('-')?;
        let row = view.row_of(ServiceId::new(number.parse().ok()?))?;
        let right = web.badges.sign(row.id, &row.token().text());
        let is_right: bool = right.as_bytes().ct_eq(signature.as_bytes()).into();
        is_right.then(|| (one_line(row.name()), row.status))
    });
    let Some((name, status)) = found else {
        let detail = "there is no such badge; the page of each service shows its own";
        return Reply::problem(StatusCode::NOT_FOUND, detail);
    };
    let reply = match ending {
        "json" => Reply::json(
            StatusCode::OK,
            &json!({
                "schemaVersion": 1,
                "label": name,
                "message": words.status(status),
                "color": colour(status).trim_start_matches('#'),
                "isError": status.is_trouble(),
                "cacheSeconds": 30,
            }),
        ),
        _ => Reply::text(StatusCode::OK, "image/svg+xml", svg(&name, words.status(status), colour(status))),
    };
    reply.with(header::CACHE_CONTROL, "public, max-age=30").with(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}

/// The colour of a status, dark enough for white text on it.
pub(super) const fn colour(status: Status) -> &'static str {
    match status {
        Status::Alive => "#15803d",
        Status::Warning => "#8a6100",
        Status::Error => "#b45309",
        Status::Dead => "#c62828",
        Status::Paused => "#4b5a9b",
        _ => "#5f6b7a",
    }
}

const FILE: &str = "badge.key";
const NAME_CHARS_MAX: usize = 48;

fn svg(name: &str, status: &str, colour: &str) -> String {
    let mut name = name.to_owned();
    if let Some((end, _)) = name.char_indices().nth(NAME_CHARS_MAX) {
        name.truncate(end);
        name.push('…');
    }
    let (left, right) = (width(&name) + 12, width(status) + 12);
    let all = left + right;
    let (name_at, status_at) = (left / 2, left + right / 2);
    let (name_width, status_width) = (left - 12, right - 12);
    let (name, status) = (escaped(&name), escaped(status));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" role=\"img\" \
         aria-label=\"{name}: {status}\"><title>{name}: {status}</title>\
         <clipPath id=\"r\"><rect width=\"{all}\" height=\"20\" rx=\"4\"/></clipPath><g clip-path=\"url(#r)\">\
         <rect width=\"{left}\" height=\"20\" fill=\"#3a4350\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{colour}\"/></g>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{name_at}\" y=\"14\" textLength=\"{name_width}\">{name}</text>\
         <text x=\"{status_at}\" y=\"14\" textLength=\"{status_width}\">{status}</text></g></svg>"
    )
}

/// About how wide `text` is at 11 pixels; the picture stretches it to just that.
fn width(text: &str) -> usize {
    let tenths: usize = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' | 'I' => 37,
            ' ' | 'f' | 't' | 'r' | '-' | '(' | ')' => 45,
            'm' | 'w' | 'M' | 'W' | '@' | '%' | 'ш' | 'щ' | 'ж' | 'ю' | 'ф' | 'ы' => 98,
            'A'..='Z' | '0'..='9' | '_' => 73,
            '\u{2e80}'.. => 115,
            _ => 67,
        })
        .sum();
    tenths.div_ceil(10).max(1)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_hangs_on_handle_and_token_and_secret() {
        let (one, other) = (BadgeIds { secret: [1; 32] }, BadgeIds { secret: [2; 32] });
        let id = one.sign(ServiceId::new(7), "abc");
        assert_eq!(id.len(), 24);
        assert_eq!(id, one.sign(ServiceId::new(7), "abc"));
        assert_ne!(id, one.sign(ServiceId::new(8), "abc"));
        assert_ne!(id, one.sign(ServiceId::new(7), "abd"));
        assert_ne!(id, other.sign(ServiceId::new(7), "abc"));
    }

    #[test]
    fn a_name_cannot_break_out_of_its_badge() {
        let svg = svg("</text><script>alert(\"1\")</script>&", "alive", "#15803d");
        assert!(!svg.contains("<script"));
        assert!(svg.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;"));
    }
}
