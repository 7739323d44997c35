//! A Telegram chat, through `sendMessage` of the Bot API (<https://core.telegram.org/bots/api#sendmessage>).
//!
//! Texts go as they are, without a `parse_mode`, so that nothing in them can be taken for formatting. Where the API asks
//! for patience (`retry_after`), it gets it. Where it says that a group has become a supergroup, the same message goes to
//! the new id at once, and so do all later ones until the restart.

use std::time::Duration;

use mishpulse_core::Span;
use serde::Deserialize;
use serde_json::json;

use super::post::{Answer, Poster};
use super::text::{blotted, one_line, shortened};
use super::{Channel, Parcel, Refusal, Seen};
use crate::config::TelegramSettings;

/// A Telegram chat.
pub struct Telegram {
    settings: TelegramSettings,
    poster: Poster,
    /// Where the chat has moved to.
    moved_to: Option<i64>,
}

impl Telegram {
    /// The channel of `settings`, each try of which takes at most `timeout` (twice that where the chat has just moved).
    #[must_use]
    pub fn new(settings: &TelegramSettings, timeout: Duration) -> Self {
        Self { settings: settings.clone(), poster: Poster::new(timeout, false), moved_to: None }
    }
}

impl Channel for Telegram {
    fn send(&mut self, parcel: &Parcel<'_>) -> Result<(), Refusal> {
        let text = fitting(parcel.text);
        let answer = self.post(&text)?;
        let Some(moved_to) = answer.moved_to() else {
            return self.judge(&answer);
        };
        tracing::warn!(
            chat_id = self.settings.chat_id,
            new_chat_id = moved_to,
            "the Telegram group has become a supergroup: put the new chat_id into the configuration"
        );
        self.moved_to = Some(moved_to);
        let answer = self.post(&text)?;
        self.judge(&answer)
    }

    /// Asks who the bot is, and whether it knows the chat. Whether it may write there shows only when it does.
    fn probe(&mut self) -> Result<Seen, Refusal> {
        let me = self.call("getMe", &json!({}))?;
        self.judge(&me)?;
        let chat_id = &self.settings.chat_id;
        let chat = self.call("getChat", &json!({ "chat_id": chat_id }))?;
        let bot = me.name("username").map_or_else(|| "the bot".to_owned(), |name| format!("@{name}"));
        if let Some(moved_to) = chat.moved_to() {
            let concern = format!("the group has become a supergroup: write chat_id = \"{moved_to}\"");
            return Ok(Seen { what: format!("{bot} knows chat {chat_id}"), concern: Some(concern) });
        }
        self.judge(&chat)?;
        let title = chat.name("title").or_else(|| chat.name("first_name"));
        let title = title.map_or_else(String::new, |title| format!(", \"{title}\""));
        Ok(Seen::well(format!("{bot} knows chat {chat_id}{title}")))
    }

    /// The API counts characters; no text has more of them than bytes.
    fn text_bytes_max(&self) -> usize {
        TEXT_UNITS_MAX
    }
}

impl Telegram {
    fn post(&self, text: &str) -> Result<Reply, Refusal> {
        let TelegramSettings { chat_id, message_thread_id, .. } = &self.settings;
        let mut body = json!({
            "chat_id": self.moved_to.map_or_else(|| chat_id.clone(), |id| id.to_string()),
            "text": text,
            "link_preview_options": { "is_disabled": true },
        });
        if let Some(topic) = message_thread_id {
            body["message_thread_id"] = json!(topic);
        }
        self.call("sendMessage", &body)
    }

    fn call(&self, method: &str, body: &serde_json::Value) -> Result<Reply, Refusal> {
        let TelegramSettings { bot_token, api_url, .. } = &self.settings;
        let url = format!("{api_url}/bot{}/{method}", bot_token.reveal());
        let answer = self.poster.post(&url, &[], body.to_string().as_bytes())?;
        let failure = serde_json::from_slice(&answer.body).unwrap_or_default();
        Ok(Reply { answer, failure })
    }

    fn judge(&self, reply: &Reply) -> Result<(), Refusal> {
        let status = reply.answer.status.as_u16();
        let said = reply.said(self.settings.bot_token.reveal());
        let last = |hint: &str| Err(Refusal::last(format!("Telegram refused: {said}; {hint}")));
        let chat = &self.settings.chat_id;
        match (status, said.to_ascii_lowercase()) {
            (200..=299, _) => Ok(()),
            (429, _) => {
                let after = reply.failure.parameters.retry_after.map(Span::from_secs);
                Err(Refusal::Later { why: format!("Telegram asks to wait: {said}"), after })
            }
            (408 | 425 | 500.., _) => Err(Refusal::later(format!("Telegram answered {said}"))),
            (401 | 404, _) => {
                last("check bot_token (a bot that was deleted or whose token was revoked has none)")
            }
            (403, _) => {
                last(&format!("let the bot into chat {chat}, or unblock it there, with the right to write"))
            }
            (400, why) if why.contains("chat not found") => {
                last(&format!("check chat_id {chat}: write to the bot once, or add it to the group"))
            }
            (400, why) if why.contains("thread not found") || why.contains("topic") => {
                last("check message_thread_id: the topic is closed or gone")
            }
            (300..=399, _) => last("redirects are not followed: check api_url"),
            _ => last("check chat_id and api_url"),
        }
    }
}

/// An answer of the API, and what it says of a failure.
struct Reply {
    answer: Answer,
    failure: Failure,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Failure {
    description: String,
    parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

impl Reply {
    fn moved_to(&self) -> Option<i64> {
        self.failure.parameters.migrate_to_chat_id.filter(|_| !self.answer.status.is_success())
    }

    /// A text of its result, in one line.
    fn name(&self, field: &str) -> Option<String> {
        let answer: serde_json::Value = serde_json::from_slice(&self.answer.body).ok()?;
        let name = one_line(answer["result"][field].as_str()?);
        Some(shortened(name, DESCRIPTION_CHARS_MAX))
    }

    /// The status and what it means: in the API's own words, or else the start of the body.
    fn said(&self, token: &str) -> String {
        let description = blotted(&self.failure.description, [token]);
        if description.is_empty() {
            return self.answer.quoted(&[token.to_owned()]);
        }
        format!("{}: {}", self.answer.status.as_u16(), shortened(description, DESCRIPTION_CHARS_MAX))
    }
}

/// `text`, cut where the API would refuse it for its length.
fn fitting(text: &str) -> String {
    if text.encode_utf16().count() <= TEXT_UNITS_MAX {
        return text.to_owned();
    }
    let mut units = 1; // the ellipsis
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= TEXT_UNITS_MAX
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// The most characters of a message, which the API counts in UTF-16.
const TEXT_UNITS_MAX: usize = 4_096;

/// The most characters of a description that an error quotes.
const DESCRIPTION_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_a_character() {
        for text in ["short".to_owned(), "ы".repeat(4_096), "😀".repeat(2_048)] {
            assert_eq!(fitting(&text), text);
        }
        for (text, kept) in [("ы".repeat(4_097), 4_095), ("😀".repeat(2_049), 2_047)] {
            let cut = fitting(&text);
            assert_eq!(cut.chars().count(), kept + 1);
            assert!(cut.ends_with('…') && cut.encode_utf16().count() <= TEXT_UNITS_MAX);
        }
    }
}
