//! Files that are no configuration.

use std::fs::File;
use std::path::PathBuf;

use super::common::{Folder, read, refusal};
use super::example::uncommented;
use crate::config::{ConfigError, Environment, Settings, Source};

fn load(file: PathBuf) -> Result<(), String> {
    let source = Source { file: Some(file), ..Source::default() };
    Settings::load(&source, &Environment::default()).map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = Folder::new();
    let path = folder.path().join("huge.toml");
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let error = load(path).unwrap_err();
    assert!(error.contains("huge.toml: is larger than 64 MiB"), "{error}");
    let error = load(PathBuf::from("/dev/zero")).unwrap_err();
    assert!(error.contains("/dev/zero: is larger than 64 MiB"), "{error}");
}

#[test]
fn what_is_no_file_or_no_text_is_told() {
    let folder = Folder::new();
    let error = load(folder.path().to_owned()).unwrap_err();
    assert!(error.contains("cannot be read"), "{error}");
    let error = load(folder.write("latin.toml", b"\n\nlisten = \"\xe4\"\n")).unwrap_err();
    assert!(error.contains("latin.toml:3: is not UTF-8"), "{error}");
    let error = load(folder.write("utf16.toml", b"\xff\xfel\0i\0s\0")).unwrap_err();
    assert!(error.contains("utf16.toml:1: is not UTF-8"), "{error}");
    let error = load(folder.write("nul.toml", b"listen = \"a\0:1\"\n")).unwrap_err();
    assert!(error.contains("nul.toml:1: listen: is not TOML"), "{error}");
    assert_eq!(load(folder.write("bom.toml", b"\xef\xbb\xbflisten = \"a:1\"\r\n")), Ok(()));
    assert_eq!(load(folder.write("empty.toml", b"")), Ok(()));
}

#[test]
fn deep_nesting_does_no_harm() {
    for text in [
        "x = ".to_owned() + &"[".repeat(1_000_000),
        "x = ".to_owned() + &"{ a = ".repeat(200_000),
        "[".repeat(1_000_000),
        format!("[{}]", vec!["a"; 100_000].join(".")),
        format!("{} = 1", vec!["defaults"; 100_000].join(".")),
    ] {
        let refusal = refusal(&text);
        assert!(refusal.starts_with("mishpulse.toml:1: "), "{}", &refusal[..100]);
        assert!(refusal.len() < 1000, "{} bytes", refusal.len());
    }
}

#[test]
fn a_thousand_mistakes_make_a_page() {
    let text: String = (0..5000).map(|n| format!("unknown{n} = 1\n")).collect();
    let error = read(&text, &[]).unwrap_err();
    let ConfigError::Mistakes(mistakes) = &error else { panic!() };
    assert_eq!(mistakes.len(), 1000);
    assert_eq!((mistakes[0].line(), mistakes[0].key()), (Some(1), "unknown0"));
    let told = error.to_string();
    assert_eq!(told.lines().count(), 21);
    assert!(told.ends_with("\n... and 980 more"), "{told}");
}

#[test]
fn long_and_odd_keys_are_cut_and_escaped() {
    let refusal = refusal(&format!("\"\\u001b[2J{}\" = 1\n", "x".repeat(100_000)));
    assert!(refusal.starts_with("mishpulse.toml:1: \"\\u{1b}[2Jxxx"), "{refusal}");
    assert!(refusal.len() < 1000 && !refusal.contains('\u{1b}'));
}

#[test]
fn twenty_thousand_services_are_read() {
    let text: String = (0..20_000)
        .map(|n| format!("[[services]]\nname = \"s{n}\"\ntoken = \"t{n}\"\ntimeout = \"5m\"\n"))
        .collect();
    assert_eq!(read(&text, &[]).unwrap().settings.services.len(), 20_000);
}

#[test]
fn a_spoilt_file_is_refused_or_read_but_never_more() {
    // Same seed, same files. Each has a few bytes of the example changed, left out or put in.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let example = uncommented().into_bytes();
    let variables = [("MY_KEY", "k"), ("TELEGRAM_BOT_TOKEN", "1:a"), ("SMTP_PASSWORD", "p")];
    for _ in 0..1000 {
        let mut spoilt = example.clone();
        for _ in 0..=random(4) {
            let at = random(spoilt.len());
            match random(3) {
                0 => spoilt[at] = b"\"'[]{}=.#\n\\$,0a-\0\xff"[random(18)],
                1 => drop(spoilt.drain(at..(at + random(20)).min(example.len() / 2).max(at))),
                _ => spoilt.insert(at, b"\"'[]{}=.#\n\\$,0a-\0\xff"[random(18)]),
            }
        }
        if let Err(error) = read(&String::from_utf8_lossy(&spoilt), &variables) {
            let told = error.to_string();
            assert!(told.starts_with("mishpulse.toml:") && told.len() < 20_000, "{told}");
        }
    }
}
