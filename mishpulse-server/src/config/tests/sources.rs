//! Where settings come from, and which goes first.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::common::{Folder, read};
use crate::config::load::load_near;
use crate::config::{ConfigError, Environment, Loaded, LogLevel, Settings, Source};

const NONE: [(&str, &str); 0] = [];

#[test]
fn the_file_is_the_named_one_else_that_of_the_variable_else_the_usual_one() {
    let folder = Folder::new();
    let flag = folder.write("flag.toml", "listen = \"flag:1\"\n");
    let variable = folder.write("variable.toml", "listen = \"variable:1\"\n");
    let usual = folder.write("mishpulse.toml", "listen = \"usual:1\"\n");
    let named = [("MISHPULSE_CONFIG", variable.to_str().unwrap())].into_iter().collect::<Environment>();
    let by_flag = Source { file: Some(flag.clone()), ..Source::default() };
    let load = |source: &Source, environment: &Environment, usual: &Path| {
        let Loaded { settings, file, .. } = load_near(source, environment, usual).unwrap();
        (settings.listen, file)
    };
    let (none, nothing) = (NONE.into_iter().collect(), Source::default());
    assert_eq!(load(&by_flag, &named, &usual), ("flag:1".into(), Some(flag)));
    assert_eq!(load(&nothing, &named, &usual), ("variable:1".into(), Some(variable)));
    assert_eq!(load(&nothing, &none, &usual), ("usual:1".into(), Some(usual.clone())));
    let empty = [("MISHPULSE_CONFIG", "")].into_iter().collect();
    assert_eq!(load(&nothing, &empty, &usual), ("usual:1".into(), Some(usual)));
    let missing = folder.path().join("missing.toml");
    assert_eq!(load(&nothing, &none, &missing), ("127.0.0.1:8080".into(), None));
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let missing = PathBuf::from("/no/such/mishpulse.toml");
    let by_flag = Source { file: Some(missing), ..Source::default() };
    let error = Settings::load(&by_flag, &Environment::default()).unwrap_err();
    let start = "/no/such/mishpulse.toml: cannot be read (";
    assert!(error.to_string().starts_with(start), "{error}");
    let named = [("MISHPULSE_CONFIG", "/no/such/mishpulse.toml")].into_iter().collect();
    let error = Settings::load(&Source::default(), &named).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }));
}

#[test]
fn flags_go_before_variables_before_the_file() {
    let variables = [("MISHPULSE_LISTEN", "variable:1"), ("MISHPULSE_DATA_DIR", "variable")];
    let source = Source { listen: Some("flag:1".into()), data_dir: Some("flag".into()), file: None };
    let environment = variables.into_iter().collect();
    let settings = load_near(&source, &environment, Path::new("/no/such")).unwrap().settings;
    assert_eq!((settings.listen.as_str(), settings.data_dir.to_str()), ("flag:1", Some("flag")));
    let settings = read("listen = \"file:1\"\ndata_dir = \"file\"\n", &variables).unwrap().settings;
    assert_eq!((settings.listen.as_str(), settings.data_dir.to_str()), ("variable:1", Some("variable")));

    let source = Source { listen: Some("8080".into()), ..Source::default() };
    let error = load_near(&source, &environment, Path::new("/no/such")).unwrap_err();
    assert!(error.to_string().starts_with("--listen: listen: must be host:port"), "{error}");
}

#[test]
fn variables_reach_every_table_but_services() {
    let text = "[channels.ops-1]\nkind = \"telegram\"\nbot_token = \"1:a\"\nchat_id = \"1\"\n[[services]]\nname = \"a\"\n";
    let loaded = read(
        text,
        &[
            ("MISHPULSE_LOG_LEVEL", "warn"),
            ("MISHPULSE_HISTORY_DAYS", "7"),
            ("MISHPULSE_DEFAULTS_TIMEOUT", "1m"),
            ("MISHPULSE_DEFAULTS_TAGS", "a, b"),
            ("MISHPULSE_DEFAULTS_RESUME_ON_BEAT", "false"),
            ("MISHPULSE_CHANNELS_OPS_1_CHAT_ID", "@other"),
            ("MISHPULSE_LIMITS_BATCH", "5"),
            ("MISHPULSE_SELF_HEARTBEAT_URL", "http://a/b"),
            ("MISHPULSE_TEMPLATES_DEAD", "${not} expanded"),
        ],
    )
    .unwrap();
    let settings = loaded.settings;
    assert_eq!(loaded.warnings, [""; 0]);
    assert_eq!(settings.log_level, LogLevel::Warn);
    assert_eq!(settings.history.to_string(), "7d");
    let usual = settings.defaults.with(&settings.services[0].overrides);
    assert_eq!(
        (usual.timeout.to_string().as_str(), usual.tags.len(), usual.resume_on_beat),
        ("1m", 2, false)
    );
    assert_eq!(settings.channels["ops-1"].target(), "chat @other");
    assert_eq!(settings.limits.batch, 5);
    assert!(settings.self_heartbeat.is_some());
    assert_eq!(settings.templates["dead"], "${not} expanded");
}

#[test]
fn a_variable_that_sets_nothing_only_warns() {
    let loaded = read(
        "admin_key = \"${MISHPULSE_MY_OWN_KEY}\"\n",
        &[
            ("MISHPULSE_URL", "http://a"),
            ("MISHPULSE_CONFIG", "mishpulse.toml"),
            ("MISHPULSE_MY_OWN_KEY", "0123456789abcdef"),
            ("MISHPULSE_LISEN", "a:1"),
            ("MISHPULSE_COLOUR", "red"),
            ("OTHER", "x"),
        ],
    );
    let warnings = loaded.unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "the variable MISHPULSE_COLOUR sets nothing; unset it",
            "the variable MISHPULSE_LISEN sets nothing; did you mean MISHPULSE_LISTEN?",
        ]
    );
}

#[test]
fn an_empty_variable_is_not_set_and_one_that_is_no_text_is_refused() {
    let loaded = read("", &[("MISHPULSE_LISTEN", ""), ("MISHPULSE_ADMIN_KEY", "")]).unwrap();
    assert_eq!(loaded.settings, Settings::default());
    assert!(loaded.warnings.is_empty());

    let bytes = || OsString::from_vec(vec![0xff]);
    let environment: Environment = [("MISHPULSE_LISTEN", bytes())].into_iter().collect();
    let error = Settings::parse("f", "", &environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "$MISHPULSE_LISTEN: listen: the variable MISHPULSE_LISTEN is not UTF-8 text"
    );
    let environment: Environment = [("KEY", bytes())].into_iter().collect();
    let error = Settings::parse("f", "admin_key = \"${KEY}\"\n", &environment).unwrap_err();
    assert_eq!(error.to_string(), "f:1: admin_key: the variable KEY is not UTF-8 text");
}
