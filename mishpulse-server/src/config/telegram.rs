//! What the Bot API takes: tokens of bots and names of chats.

/// Why a text cannot stand where the Bot API wants it. Never shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TelegramError {
    /// No token of a bot.
    #[error("must be a bot's token as @BotFather gives it, such as \"123456:ABC-def_1\"")]
    BotToken,
    /// No chat.
    #[error(
        "must be a chat's number, such as \"-1001234567890\", or a public name, such as \"@channelname\""
    )]
    ChatId,
}

/// A bot's token. It becomes a part of a path, so that no other letters may be in it.
pub(super) fn bot_token(text: &str) -> Result<&str, TelegramError> {
    let is_token = text.len() <= 256
        && text.split_once(':').is_some_and(|(number, key)| {
            is_number(number)
                && !key.is_empty()
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        });
    if is_token { Ok(text) } else { Err(TelegramError::BotToken) }
}

/// A chat: its number, or the public name of a channel or group.
pub(super) fn chat_id(text: &str) -> Result<&str, TelegramError> {
    let is_chat = match text.strip_prefix('@') {
        Some(name) => {
            name.len() <= 64
                && name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        }
        None => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            is_number(digits) && text.parse::<i64>().is_ok_and(|id| id != 0)
        }
    };
    if is_chat { Ok(text) } else { Err(TelegramError::ChatId) }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_chats_are_what_the_bot_api_takes() {
        for right in ["123456:ABC-def_1", "1:a"] {
            assert_eq!(bot_token(right), Ok(right));
        }
        for wrong in ["", ":", "1:", ":a", "a:b", "1:a/b", "1:a b", "1:a\n", "1:ä", "1:a:b"] {
            assert_eq!(bot_token(wrong), Err(TelegramError::BotToken), "{wrong:?}");
        }
        for right in ["-1001234567890", "42", "@channelname", "@a_1"] {
            assert_eq!(chat_id(right), Ok(right));
        }
        for wrong in
            ["", "-", "@", "0", "+1", "1 2", "channelname", "@a-b", "@1a", "@я", "99999999999999999999"]
        {
            assert_eq!(chat_id(wrong), Err(TelegramError::ChatId), "{wrong:?}");
        }
    }
}
