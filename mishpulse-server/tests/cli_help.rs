//! Every command has help with an example, stands in the docs, and is completed by the shells.

mod cli_parts;

use std::path::Path;

use cli_parts::{Said, mishpulse, said};

const COMMANDS: [&[&str]; 23] = [
    &["serve"],
    &["check-config"],
    &["doctor"],
    &["beat"],
    &["run"],
    &["status"],
    &["healthcheck"],
    &["service", "add"],
    &["service", "list"],
    &["service", "show"],
    &["service", "edit"],
    &["service", "rm"],
    &["service", "pause"],
    &["service", "resume"],
    &["service", "rotate-token"],
    &["channel", "list"],
    &["channel", "test"],
    &["backup"],
    &["restore"],
    &["completions"],
    &["default-config"],
    &["service"],
    &["channel"],
];

fn ask(arguments: &[&str]) -> Said {
    said(&mut mishpulse(Path::new("."), arguments))
}

#[test]
fn every_command_has_help_and_stands_in_the_docs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let docs = std::fs::read_to_string(root.join("docs/command-line.md")).unwrap();
    for command in COMMANDS {
        let help = ask(&[command, &["--help"]].concat());
        assert_eq!(help.code, 0, "{command:?}");
        let line = format!("mishpulse {}", command.join(" "));
        assert!(docs.contains(&line), "docs/command-line.md has no `{line}`");
        if !matches!(command, ["default-config" | "service" | "channel"]) {
            assert!(help.stdout.contains("Example"), "{}", help.stdout);
            assert!(help.stdout.contains(&line), "{}", help.stdout);
        }
        for option in help.stdout.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = option.trim_end_matches([',', ';', '.', ')', '`']);
            let is_common = ["--help", "--config", "--url", "--json", "--data-dir"].contains(&option);
            assert!(
                is_common || docs.contains(option),
                "docs/command-line.md has no `{option}` of {command:?}"
            );
        }
    }
    // What there is beyond the list above would be missing from it.
    let all = ask(&["--help"]).stdout;
    let listed = all.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    for line in listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = line.split_whitespace().next().unwrap();
        assert!(name == "help" || COMMANDS.iter().any(|command| command[0] == name), "{name} is not tested");
    }
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = ask(&["completions", shell]);
        assert_eq!(script.code, 0);
        for word in ["rotate-token", "check-config", "backup", "notify-on"] {
            assert!(script.stdout.contains(word), "{shell} does not complete {word}");
        }
    }
    assert_eq!(ask(&["completions", "cmd"]).code, 2);
}

#[test]
fn mistakes_on_the_command_line_end_with_2() {
    for wrong in [
        &["statsu"][..],
        &["run"],
        &["service", "add"],
        &["status", "--status", "fine"],
        &["run", "url", "--"],
    ] {
        let refused = ask(wrong);
        assert_eq!(refused.code, 2, "{wrong:?}: {}", refused.stdout);
        assert!(refused.stderr.contains("error"), "{}", refused.stderr);
    }
    assert!(ask(&["statsu"]).stderr.contains("status"), "it says what was meant");
}
