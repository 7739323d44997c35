//! One table of the file together with the variables that override it: how keys are looked up and mistakes are kept.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::environment::{Environment, VariableError};
use super::mistake::{Mistake, Place};
use super::schema;
use super::value::{Content, Value, Wrong, expected};

/// What all sections of one reading share.
pub(super) struct Context<'a> {
    /// The file, as it was named.
    file: Arc<str>,
    /// Where each line of it ends.
    line_ends: Vec<usize>,
    /// The folder that files named in it are looked up in.
    pub(super) folder: PathBuf,
    environment: &'a Environment,
    mistakes: RefCell<Vec<Mistake>>,
    looked_up: RefCell<BTreeSet<String>>,
    places: RefCell<BTreeMap<String, Place>>,
}

/// What is left when everything was read.
pub(super) struct Findings {
    /// Every mistake, in the order of their places.
    pub(super) mistakes: Vec<Mistake>,
    /// The variables that were looked up.
    pub(super) looked_up: BTreeSet<String>,
    /// Where each key stands that was read, but for those of services, of which there may be a million.
    pub(super) places: BTreeMap<String, Place>,
}

impl<'a> Context<'a> {
    pub(super) fn new(file: &str, text: &str, folder: PathBuf, environment: &'a Environment) -> Self {
        Self {
            file: file.into(),
            line_ends: text
                .bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at)
                .collect(),
            folder,
            environment,
            mistakes: RefCell::default(),
            looked_up: RefCell::default(),
            places: RefCell::default(),
        }
    }

    /// The line in which `span` begins.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        let line = self.line_ends.partition_point(|end| *end < span.start) + 1;
        Place::Line { file: Arc::clone(&self.file), line }
    }

    pub(super) fn expand(&self, text: &str) -> Result<String, VariableError> {
        let used = |name: &str| {
            self.looked_up.borrow_mut().insert(name.to_owned());
        };
        Ok(self.environment.expand(text, used)?.into_owned())
    }

    pub(super) fn report(&self, place: Place, key: String, what: impl ToString) {
        let mut mistakes = self.mistakes.borrow_mut();
        if mistakes.len() < MISTAKES_MAX {
            mistakes.push(Mistake { place, key, what: what.to_string() });
        }
    }

    pub(super) fn finish(self) -> Findings {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by(|a, b| a.place.cmp(&b.place));
        mistakes.dedup();
        let (looked_up, places) = (self.looked_up.into_inner(), self.places.into_inner());
        Findings { mistakes, looked_up, places }
    }
}

/// One table: what the file says in it, and what variables say instead.
pub(super) struct Section<'a> {
    pub(super) context: &'a Context<'a>,
    table: Option<&'a DeTable<'a>>,
    place: Place,
    path: String,
    /// How the names of its variables begin; `None` where variables do not reach.
    variables: Option<String>,
}

impl<'a> Section<'a> {
    /// The whole file; `None` where there is none.
    pub(super) fn root(context: &'a Context<'a>, table: Option<&'a DeTable<'a>>) -> Self {
        let variables = Some(VARIABLES.to_owned());
        Self { context, table, place: Place::Nowhere, path: String::new(), variables }
    }

    /// Reads `key` if it is there; a value that cannot be is reported, and is as if it were not there.
    pub(super) fn read<T>(&self, key: &str, parse: impl FnOnce(&Value<'a>) -> Result<T, Wrong>) -> Option<T> {
        self.parse(key, self.value(key)?, parse)
    }

    /// Reads `value` as that of `key`; one that cannot be is reported, and is as if it were not there.
    pub(super) fn parse<T>(
        &self,
        key: &str,
        value: Value<'a>,
        parse: impl FnOnce(&Value<'a>) -> Result<T, Wrong>,
    ) -> Option<T> {
        parse(&value).map_err(|wrong| self.context.report(value.place, self.key(key), wrong)).ok()
    }

    /// Reads `key`, which must be there; `example` is what could be written.
    pub(super) fn need<T>(
        &self,
        key: &str,
        example: &str,
        parse: impl FnOnce(&Value<'a>) -> Result<T, Wrong>,
    ) -> Option<T> {
        if self.value(key).is_none() {
            self.wrong(key, format!("is missing; write {key} = {example}"));
        }
        self.read(key, parse)
    }

    /// Reads a list, and reports each element that cannot be or that comes twice.
    pub(super) fn list<T: PartialEq>(
        &self,
        key: &str,
        parse: impl Fn(&Value<'a>) -> Result<T, Wrong>,
    ) -> Option<Vec<T>> {
        let mut list = Vec::new();
        for (index, element) in self.read(key, Value::list)?.into_iter().enumerate() {
            let wrong = match parse(&element) {
                Ok(item) if list.contains(&item) => Wrong::new("stands here twice; keep one"),
                Ok(item) if list.len() < LIST_MAX => {
                    list.push(item);
                    continue;
                }
                Ok(_) => Wrong::new(format!("is one too many: a list has at most {LIST_MAX} elements")),
                Err(wrong) => wrong,
            };
            self.context.report(element.place, format!("{}[{index}]", self.key(key)), wrong);
        }
        Some(list)
    }

    /// The table `key`, with only `keys` in it; empty where the file has none.
    pub(super) fn table(&self, key: &str, keys: &[&str]) -> Self {
        let table = self.open(key);
        table.only(keys);
        table
    }

    /// The tables within the table `key`, each with its name.
    pub(super) fn tables(&self, key: &str) -> Vec<(String, Self)> {
        let outer = self.open(key);
        let names = outer.table.into_iter().flat_map(|table| table.keys());
        let tables = names.map(|name| (name.get_ref().to_string(), outer.open(name.get_ref())));
        tables.filter(|(_, table)| table.is_there()).collect()
    }

    /// The tables of the array of tables `key`, each named in mistakes by the key `name` in it.
    pub(super) fn array(&self, key: &str, name: &str) -> Vec<Self> {
        let Some((at, value)) = self.table.and_then(|table| table.get_key_value(key)) else {
            return Vec::new();
        };
        let DeValue::Array(elements) = value.get_ref() else {
            let wrong = format!("must be tables; write [[{key}]] and the keys of one below it");
            self.context.report(self.context.place(at.span()), self.key(key), wrong);
            return Vec::new();
        };
        let mut sections = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let place = self.context.place(element.span());
            let DeValue::Table(table) = element.get_ref() else {
                let wrong = expected(&format!("a table, written [[{key}]]"), element.get_ref());
                self.context.report(place, format!("{}[{index}]", self.key(key)), wrong);
                continue;
            };
            let path = match table.get(name).and_then(|name| name.get_ref().as_str()) {
                Some(name) if !name.contains('$') => format!("{}.{}", self.key(key), schema::shown(name)),
                _ => format!("{}[{index}]", self.key(key)),
            };
            sections.push(Self { context: self.context, table: Some(table), place, path, variables: None });
        }
        sections
    }

    /// The table `key`, whose keys are free, with their values; variables do not reach them.
    pub(super) fn free(&self, key: &str) -> (Self, Vec<(String, Value<'a>)>) {
        let table = self.open(key);
        let entries = table.table.into_iter().flat_map(|table| table.iter());
        let value = |value| Value::of_file(self.context, value);
        let entries = entries.map(|(name, found)| (name.get_ref().to_string(), value(found))).collect();
        (table, entries)
    }

    /// Reports every key of the table that is none of `keys`.
    pub(super) fn only(&self, keys: &[&str]) {
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            let name: &str = key.get_ref();
            if !keys.contains(&name) {
                let what = schema::advice(name, keys);
                self.context.report(self.context.place(key.span()), self.key(name), what);
            }
        }
    }

    /// Reports what is wrong with `key`, where it stands; or else where its table begins.
    pub(super) fn wrong(&self, key: &str, what: impl ToString) {
        let place = self.value(key).map_or_else(|| self.place.clone(), |value| value.place);
        self.context.report(place, self.key(key), what);
    }

    /// Reports what is wrong with the table as a whole.
    pub(super) fn wrong_itself(&self, what: impl ToString) {
        self.context.report(self.place.clone(), self.path.clone(), what);
    }

    /// Whether the file or a variable sets `key`.
    pub(super) fn sets(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Whether the file has this table.
    pub(super) fn is_there(&self) -> bool {
        self.table.is_some()
    }

    /// The line that `key` stands in, for people.
    pub(super) fn line(&self, key: &str) -> String {
        match self.value(key).map(|value| value.place) {
            Some(Place::Line { line, .. }) => format!("line {line}"),
            Some(Place::Variable(name)) => format!("${name}"),
            _ => "another place".to_owned(),
        }
    }

    fn value(&self, key: &str) -> Option<Value<'a>> {
        let context = self.context;
        if let Some(variables) = &self.variables {
            let name = format!("{variables}{}", variable(key));
            context.looked_up.borrow_mut().insert(name.clone());
            if let Some(value) = context.environment.filled(&name) {
                match value {
                    Ok(text) => {
                        let place = Place::Variable(name);
                        context.places.borrow_mut().insert(self.key(key), place.clone());
                        return Some(Value { context, place, content: Content::Text(text) });
                    }
                    Err(wrong) => context.report(Place::Variable(name), self.key(key), wrong),
                }
            }
        }
        let value = Value::of_file(context, self.table?.get(key)?);
        if self.variables.is_some() {
            context.places.borrow_mut().insert(self.key(key), value.place.clone());
        }
        Some(value)
    }

    fn open(&self, key: &str) -> Self {
        let found = self.table.and_then(|table| table.get_key_value(key));
        let place = found.map_or_else(
            || self.place.clone(),
            |(at, value)| match value.get_ref() {
                DeValue::Table(_) => self.context.place(value.span()),
                _ => self.context.place(at.span()),
            },
        );
        let path = self.key(key);
        let table = found.and_then(|(_, value)| {
            let table = value.get_ref().as_table();
            if table.is_none() {
                let wrong = format!("must be a table; write [{path}] and its keys below it");
                self.context.report(place.clone(), path.clone(), wrong);
            }
            table
        });
        let variables = self.variables.as_ref().map(|variables| format!("{variables}{}_", variable(key)));
        Self { context: self.context, table, place, path, variables }
    }

    fn key(&self, key: &str) -> String {
        match (self.path.as_str(), schema::shown(key)) {
            ("", key) => key.into_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }
}

/// How `key` is written in the name of a variable.
fn variable(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// How the names of all variables that set a key begin.
pub(super) const VARIABLES: &str = "MISHPULSE_";
/// As many as anyone would mend before the next look.
const MISTAKES_MAX: usize = 1000;
/// For recipients, channels, tags: more in one list is a mistake.
const LIST_MAX: usize = 100;
