//! A configuration file.

use mishpulse_server::Settings;
use mishpulse_server::config::Environment;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let environment: Environment = [("NAME", "value"), ("MISHPULSE_LOCALE", "ru")].into_iter().collect();
    match (
        Settings::parse("fuzz.toml", &text, &environment),
        Settings::parse("fuzz.toml", &text, &environment),
    ) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one, other);
            assert!(mishpulse_server::config::diff(&one.settings, &other.settings).is_empty());
        }
        (Err(one), Err(other)) => {
            let said = one.to_string();
            assert!(said.contains("fuzz.toml") || said.contains("MISHPULSE_"), "{said}");
            assert_eq!(said, other.to_string());
        }
        (one, other) => panic!("the same text is read in two ways: {one:?} and {other:?}"),
    }
}
