//! The key that signs webhooks, as [Standard Webhooks] writes it: `whsec_` and 24 to 64 bytes in base64.
//!
//! [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, PAD};

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
    let bytes = BASE64.decode(encoded).map_err(|_| SigningKeyError::Base64)?;
    if (24..=64).contains(&bytes.len()) { Ok(SecretBytes::new(bytes)) } else { Err(SigningKeyError::Length) }
}

/// The standard alphabet of RFC 4648, with its padding or without.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_keys_have_the_length_of_the_standard() {
        // The example of the standard.
        let key = signing_key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        assert_eq!(key.reveal().len(), 24);
        assert_eq!(format!("{key:?}"), "***");
        assert_eq!(signing_key("C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), Err(SigningKeyError::Prefix));
        let unpadded = format!("whsec_{}", "QUJD".repeat(8) + "QQ");
        assert_eq!(signing_key(&unpadded), signing_key(&format!("{unpadded}==")));
        assert_eq!(signing_key("whsec_abc!"), Err(SigningKeyError::Base64));
        assert_eq!(signing_key("whsec_Zm9v"), Err(SigningKeyError::Length));
        assert_eq!(signing_key(&format!("whsec_{}", "AAAA".repeat(22))), Err(SigningKeyError::Length));
    }
}
