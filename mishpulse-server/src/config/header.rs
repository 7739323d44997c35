//! Headers that an operator may add to a webhook.

/// Why a header cannot be added. Never shows its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeaderError {
    /// The name is no token of RFC 9110.
    #[error("must be the name of a header: letters, digits and `-`, such as \"X-Env\"")]
    Name,
    /// The name is one that the server sets itself.
    #[error("is set by the server itself; leave it out")]
    Reserved,
    /// The value would end the header, or is no text.
    #[error("must be visible ASCII, with spaces only between words, and at most 4096 bytes")]
    Value,
}

/// The name of a header that is the operator's to set.
pub(super) fn name(text: &str) -> Result<&str, HeaderError> {
    let is_token = (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    if !is_token {
        return Err(HeaderError::Name);
    }
    let lower = text.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) || lower.starts_with("webhook-") {
        return Err(HeaderError::Reserved);
    }
    Ok(text)
}

/// The value of a header.
pub(super) fn value(text: &str) -> Result<&str, HeaderError> {
    let is_value = text.len() <= VALUE_BYTES_MAX
        && text.trim_ascii() == text
        && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if is_value { Ok(text) } else { Err(HeaderError::Value) }
}

/// What says where a message goes, where it ends and how it travels; and what its body is, which is JSON.
const RESERVED: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const NAME_BYTES_MAX: usize = 128;
const VALUE_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_no_message_and_change_no_way() {
        for right in ["X-Env", "authorization", "User-Agent", "x"] {
            assert_eq!(name(right), Ok(right));
        }
        for wrong in ["", "X Env", "X:Env", "X\r\nY", "ä", &"x".repeat(129)] {
            assert_eq!(name(wrong), Err(HeaderError::Name), "{wrong:?}");
        }
        for wrong in ["Host", "CONTENT-LENGTH", "transfer-encoding", "Connection", "Webhook-Id", "webhook-x"]
        {
            assert_eq!(name(wrong), Err(HeaderError::Reserved), "{wrong}");
        }
        for right in ["", "prod", "Bearer abc", "a=\"b\""] {
            assert_eq!(value(right), Ok(right));
        }
        for wrong in [" a", "a ", "a\r\nb", "a\tb", "a\0", "ä", &"x".repeat(4097)] {
            assert_eq!(value(wrong), Err(HeaderError::Value), "{wrong:?}");
        }
    }
}
