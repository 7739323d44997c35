//! Finding the file, reading it, and putting together what it, the variables and the flags say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::environment::Environment;
use super::mistake::{ConfigError, Mistake, Place};
use super::section::{Context, Findings, Section, VARIABLES};
use super::{Settings, host, read, schema};

/// What the command line says about the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The file, by `--config`.
    pub file: Option<PathBuf>,
    /// The address to listen on, by `--listen`; goes before the file and the variables.
    pub listen: Option<String>,
    /// The data folder, by `--data-dir`; likewise.
    pub data_dir: Option<PathBuf>,
}

/// Settings, and how they came about.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file that was read; `None` where there was none.
    pub file: Option<PathBuf>,
    /// What is odd but can be followed, one line each: a variable that sets nothing, a short key.
    pub warnings: Vec<String>,
    places: BTreeMap<String, Place>,
}

impl Loaded {
    /// A mistake that shows only when `key` is used, such as a template that makes no sense, with the place of the key:
    /// `what` says what is wrong and what to write instead.
    #[must_use]
    pub fn mistake(&self, key: &str, what: impl Into<String>) -> ConfigError {
        let place = self.places.get(key).cloned().unwrap_or(Place::Nowhere);
        ConfigError::Mistakes(vec![Mistake { place, key: key.to_owned(), what: what.into() }])
    }
}

impl Settings {
    /// Reads the settings: from `source.file`, else the file that `MISHPULSE_CONFIG` names, else `mishpulse.toml` in the
    /// working directory if it is there, else none; each key overridden by its variable in `environment`.
    ///
    /// # Errors
    /// [`ConfigError`] where the file cannot be read, or with every mistake that was found in what it says.
    pub fn load(source: &Source, environment: &Environment) -> Result<Loaded, ConfigError> {
        load_near(source, environment, Path::new("mishpulse.toml"))
    }

    /// Reads the settings from `text`, as if it were a file of the name `file` in the working directory.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`] with every mistake that was found.
    pub fn parse(file: &str, text: &str, environment: &Environment) -> Result<Loaded, ConfigError> {
        read_text(&Source::default(), Some((Path::new(file), text)), environment)
    }

    /// Takes note of the address that the server really listens on, which a `public_url` that nobody set follows.
    pub fn listens_on(&mut self, address: SocketAddr) {
        if self.public_url_is_derived && self.listen.parse::<SocketAddr>().is_ok() {
            self.public_url = host::local_url(&address.to_string());
        }
    }

    /// The URL under which the server is reached from its own machine, whatever `public_url` says.
    #[must_use]
    pub fn local_url(&self) -> String {
        host::local_url(&self.listen)
    }
}

impl Default for Settings {
    /// What holds where there is neither a file nor a variable.
    fn default() -> Self {
        let environment = Environment::default();
        let context = Context::new("", "", PathBuf::new(), &environment);
        read::settings(&Section::root(&context, None), &Source::default()).0
    }
}

/// Loads with `usual` as the file that is taken where none is named.
pub(super) fn load_near(
    source: &Source,
    environment: &Environment,
    usual: &Path,
) -> Result<Loaded, ConfigError> {
    let named = environment.value("MISHPULSE_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from);
    let asked = source.file.clone().or(named);
    let path = asked.as_deref().unwrap_or(usual);
    let bytes = match bytes_of(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(ConfigError::TooLarge { file: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound && asked.is_none() => {
            return read_text(source, None, environment);
        }
        Err(error) => return Err(ConfigError::Unreadable { file: path.to_owned(), source: error }),
    };
    let text = str::from_utf8(&bytes).map_err(|error| {
        let what = "is not UTF-8 text from this line on; save the file as UTF-8".to_owned();
        on_line(path, line_of(&bytes, error.valid_up_to()), String::new(), what)
    })?;
    read_text(source, Some((path, text)), environment)
}

fn read_text(
    source: &Source,
    file: Option<(&Path, &str)>,
    environment: &Environment,
) -> Result<Loaded, ConfigError> {
    let (path, text) = file.unwrap_or((Path::new(""), ""));
    let table = DeTable::parse(text).map_err(|error| {
        let line = line_of(text.as_bytes(), error.span().map_or(0, |span| span.start));
        on_line(path, line, key_on(text, line), format!("is not TOML: {}", error.message()))
    })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let context = Context::new(&path.display().to_string(), text, folder, environment);
    let (settings, mut warnings) =
        read::settings(&Section::root(&context, file.map(|_| table.get_ref())), source);
    let Findings { mistakes, looked_up, places } = context.finish();
    if !mistakes.is_empty() {
        return Err(ConfigError::Mistakes(mistakes));
    }
    warnings.extend(unknown_variables(environment, &looked_up));
    Ok(Loaded { settings, file: file.map(|(path, _)| path.to_owned()), warnings, places })
}

/// What the file holds; `None` where that is too much.
fn bytes_of(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > FILE_BYTES_MAX {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    // A pipe or device does not say how much there is in it.
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= FILE_BYTES_MAX).then_some(bytes))
}

fn line_of(text: &[u8], at: usize) -> usize {
    text.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// The key that line number `line` sets, as far as a file that is no TOML has one. Only known keys are named, so that no
/// part of a secret can be taken for one.
fn key_on(text: &str, line: usize) -> String {
    let before_equals = |line: &str| line.split_once('=').map(|(key, _)| key.trim().to_owned());
    let is_known = |key: &String| schema::TABLES.iter().any(|(_, keys)| keys.contains(&key.as_str()));
    text.lines().nth(line - 1).and_then(before_equals).filter(is_known).unwrap_or_default()
}

fn on_line(path: &Path, line: usize, key: String, what: String) -> ConfigError {
    let place = Place::Line { file: path.display().to_string().into(), line };
    ConfigError::Mistakes(vec![Mistake { place, key, what }])
}

/// A line for each variable that looks like a setting and is none.
fn unknown_variables(environment: &Environment, looked_up: &BTreeSet<String>) -> Vec<String> {
    let is_unknown = |name: &&str| !looked_up.contains(*name) && !FOR_OTHERS.contains(name);
    let unknown = environment.names(VARIABLES).filter(is_unknown);
    unknown
        .map(|name| match schema::nearest(name, looked_up.iter().map(String::as_str)) {
            Some(near) => format!("the variable {name} sets nothing; did you mean {near}?"),
            None => format!("the variable {name} sets nothing; unset it"),
        })
        .collect()
}

/// Variables that are no settings: where the file is, and where clients and the command line find the server.
const FOR_OTHERS: [&str; 2] = ["MISHPULSE_CONFIG", "MISHPULSE_URL"];
/// Room for half a million services.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
