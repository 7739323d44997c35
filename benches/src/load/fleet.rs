//! Who beats: services whose names and tokens follow from their numbers, so that no list of them is needed anywhere.

use std::fmt::Write as _;

use mishpulse_core::testing::Rng;

/// The bytes of a token: a UUID in text.
pub(crate) const TOKEN_BYTES: usize = 36;

/// The token of the service with this number, a version 4 UUID.
pub(crate) fn token(number: u32) -> [u8; TOKEN_BYTES] {
    let mut rng = Rng::new(u64::from(number) << 20);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&rng.next_u64().to_be_bytes());
    bytes[8..].copy_from_slice(&rng.next_u64().to_be_bytes());
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = [b'-'; TOKEN_BYTES];
    for (byte, place) in bytes.into_iter().zip(PLACES) {
        text[place..place + 2].copy_from_slice(&HEX[usize::from(byte)]);
    }
    text
}

/// Its token as a string.
pub(crate) fn token_text(number: u32) -> String {
    token(number).into_iter().map(char::from).collect()
}

/// Its name, 20 characters.
pub(crate) fn name(number: u32) -> String {
    let mut name = String::with_capacity(20);
    // Writing to a string does not fail.
    let _ = write!(name, "service-{number:012}");
    name
}

/// Where in the text each byte stands.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

const HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_uuids_and_names_have_twenty_characters() {
        let token = token_text(7);
        assert_eq!(token.len(), TOKEN_BYTES);
        let parts: Vec<&str> = token.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4'));
        assert!(token.chars().all(|c| c == '-' || c.is_ascii_hexdigit()));
        assert_ne!(token, token_text(8));
        assert_eq!(name(1_234_567).len(), 20);
    }
}
