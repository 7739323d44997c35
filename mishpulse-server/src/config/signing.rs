//! The key that signs webhooks, as [Standard Webhooks] writes it: `whsec_` and 24 to 64 bytes in base64.
//!
//! [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

use super::secret::SecretBytes;

/// Why a text is no signing key. Never shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SigningKeyError {
    /// It does not begin with `whsec_`.
    #[error("must begin with whsec_; make one with: echo whsec_$(openssl rand -base64 32)")]
    Prefix,
    /// What follows is not base64.
    #[error("must be base64 behind whsec_; make one with: echo whsec_$(openssl rand -base64 32)")]
    Base64,
    /// Too short to be safe, or too long.
    #[error(
        "must be 24 to 64 bytes in base64 behind whsec_; make one with: echo whsec_$(openssl rand -base64 32)"
    )]
    Length,
}

/// The bytes of a signing key.
pub(super) fn signing_key(text: &str) -> Result<SecretBytes, SigningKeyError> {
    let encoded = text.strip_prefix("whsec_").ok_or(SigningKeyError::Prefix)?;
    let bytes = base64(encoded).ok_or(SigningKeyError::Base64)?;
    if (24..=64).contains(&bytes.len()) { Ok(SecretBytes::new(bytes)) } else { Err(SigningKeyError::Length) }
}

/// Decodes the standard alphabet of RFC 4648, with its padding or without; `None` where that is not what it is, left-over
/// bits included.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if digits.len() % 4 == 1 || padding > 0 && (padding > 2 || text.len() % 4 != 0) {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits.bytes() {
        let six = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        // The test vectors of RFC 4648, section 10.
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
            ("Zm9vYg", "foob"),
        ] {
            assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(base64("+/+/"), Some(vec![0xfb, 0xff, 0xbf]));
        for wrong in ["Z", "Zg=", "Zg===", "Zh==", "Z=g=", "Zm 9", "Zm-9", "====", "Zm9v===="] {
            assert_eq!(base64(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn signing_keys_have_the_length_of_the_standard() {
        // The example of the standard.
        let key = signing_key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        assert_eq!(key.reveal().len(), 24);
        assert_eq!(format!("{key:?}"), "***");
        assert_eq!(signing_key("C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), Err(SigningKeyError::Prefix));
        assert_eq!(signing_key("whsec_abc!"), Err(SigningKeyError::Base64));
        assert_eq!(signing_key("whsec_Zm9v"), Err(SigningKeyError::Length));
        assert_eq!(signing_key(&format!("whsec_{}", "AAAA".repeat(22))), Err(SigningKeyError::Length));
    }
}
