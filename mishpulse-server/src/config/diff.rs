use super::*;
/// x
pub fn diff(_: &Settings, _: &Settings) -> Vec<String> {
    Vec::new()
}
