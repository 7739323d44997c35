//! Who the services are, in about 60 bytes each: by handle, in order of their names, and by token.

use std::cmp::Ordering;
use std::fmt;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use mishpulse_core::ServiceId;

use super::interned::Interned;
use super::order::{Order, Place};
use crate::config::{Overrides, ServiceName, Token, is_version_4};
use crate::store::rows::Identity;

/// The identities of all services, as of the last commit. Names and tokens are unique, which whoever changes it has checked.
#[derive(Default)]
pub(super) struct Directory {
    people: Vec<Person>,
    /// By handle, apart from the rest for their alignment: a version 4 UUID, or a number of `texts`.
    tokens: Vec<u128>,
    /// The tokens that are no UUIDs, by number; empty where a number is free.
    texts: Vec<Box<str>>,
    free_texts: Vec<u32>,
    by_token: HashTable<u32>,
    hasher: DefaultHashBuilder,
    by_name: Order,
    names: Names,
    overrides: Interned,
}

#[derive(Clone, Copy)]
struct Person {
    /// Where its name begins; [`NOBODY`] where there is no such service.
    name: u32,
    /// The number of its settings, doubled; and one more where the configuration file declares it.
    settings: u32,
}

const NOBODY: Person = Person { name: u32::MAX, settings: 0 };

/// All names in one text, up to 4 GB. Each has its length before it, as two ASCII characters of seven bits each.
#[derive(Default)]
struct Names {
    text: String,
    /// How many of the bytes are nobody's any more.
    waste: usize,
}

impl Directory {
    pub(super) const fn len(&self) -> usize {
        self.by_name.len()
    }

    /// One more than the greatest handle.
    pub(super) const fn handles(&self) -> usize {
        self.people.len()
    }

    pub(super) fn contains(&self, id: ServiceId) -> bool {
        self.person(id).is_some()
    }

    /// The name of `id`; empty where there is no such service.
    #[inline]
    pub(super) fn name(&self, id: ServiceId) -> &str {
        self.person(id).map_or("", |person| self.names.get(person.name))
    }

    pub(super) fn token(&self, id: ServiceId) -> Option<Token> {
        self.person(id)?;
        let token = self.tokens[id.index()];
        if is_version_4(token) { Some(Token::of_uuid(token)) } else { self.text(token).parse().ok() }
    }

    pub(super) fn overrides(&self, id: ServiceId) -> Option<&Overrides> {
        Some(self.overrides.get(self.person(id)?.settings / 2))
    }

    pub(super) fn is_declared(&self, id: ServiceId) -> bool {
        self.person(id).is_some_and(|person| person.settings % 2 == 1)
    }

    pub(super) fn identity(&self, id: ServiceId) -> Option<Identity> {
        Some(Identity {
            name: ServiceName::known(self.names.get(self.person(id)?.name)),
            token: self.token(id)?,
            overrides: self.overrides(id)?.clone(),
            declared: self.is_declared(id),
        })
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ServiceId> {
        (0..self.people.len() as u32).map(ServiceId::new).filter(|id| self.contains(*id))
    }

    /// O(log n).
    pub(super) fn by_name(&self, name: &str) -> Option<ServiceId> {
        let id = ServiceId::new(self.by_name.at(self.place(name, false))?);
        (self.name(id) == name).then_some(id)
    }

    /// Those whose names come after `name`, or from it on, in their order.
    pub(super) fn ids_from(&self, name: &str, is_after: bool) -> impl Iterator<Item = ServiceId> + use<'_> {
        self.by_name.from(self.place(name, is_after)).map(ServiceId::new)
    }

    pub(super) fn by_token(&self, token: &Token) -> Option<ServiceId> {
        let found = match (token.as_uuid(), token.as_other()) {
            (Some(uuid), _) => {
                self.by_token.find(self.hasher.hash_one(uuid), |id| self.tokens[*id as usize] == uuid)
            }
            (None, text) => {
                let text = text.unwrap_or_default();
                let is_it = |id: &u32| {
                    let token = self.tokens[*id as usize];
                    !is_version_4(token) && self.text(token) == text
                };
                self.by_token.find(self.hasher.hash_one(text), is_it)
            }
        };
        found.copied().map(ServiceId::new)
    }

    /// Takes in a service of many: [`hash`](Self::hash) and [`sort`](Self::sort) must follow. Gives the number of what it sets itself.
    pub(super) fn load(&mut self, id: ServiceId, identity: &Identity) -> u32 {
        if self.people.len() <= id.index() {
            self.people.resize(id.index() + 1, NOBODY);
            self.tokens.resize(id.index() + 1, 0);
        }
        let number = self.overrides.take(&identity.overrides);
        let settings = number * 2 + u32::from(identity.declared);
        self.people[id.index()] = Person { name: self.names.add(identity.name.as_str()), settings };
        self.tokens[id.index()] = match identity.token.as_uuid() {
            Some(uuid) => uuid,
            None => self.add_text(identity.token.as_other().unwrap_or_default()),
        };
        number
    }

    /// Finds all by their tokens. O(n).
    pub(super) fn hash(&mut self) {
        // As they grew, they may have taken twice the room.
        self.people.shrink_to_fit();
        self.tokens.shrink_to_fit();
        let mut by_token = HashTable::with_capacity(self.ids().count());
        for id in self.ids() {
            let hash = hash_of(&self.hasher, &self.texts, self.tokens[id.index()]);
            // It has room for all.
            by_token.insert_unique(hash, id.number(), |_| hash);
        }
        self.by_token = by_token;
    }

    /// Puts all into the order of their names, also in memory. O(n log n).
    pub(super) fn sort(&mut self) {
        // Compared by what follows the beginning that all have in common, so that few names are looked at.
        let mut common: Option<&str> = None;
        for id in self.ids() {
            let name = self.name(id);
            let shared = common.map_or(name.len(), |common| shared_len(common, name));
            common = Some(common.map_or(name, |common| &common[..shared]));
        }
        let skip = common.map_or(0, str::len);
        let mut keyed: Vec<(u64, u32)> =
            self.ids().map(|id| (key(&self.name(id).as_bytes()[skip..]), id.number())).collect();
        let name = |id: u32| self.name(ServiceId::new(id));
        keyed.sort_unstable_by(|(a, id), (b, other)| a.cmp(b).then_with(|| name(*id).cmp(name(*other))));
        let ids: Vec<u32> = keyed.into_iter().map(|(_, id)| id).collect();
        self.by_name = Order::of(&ids);
        self.pack();
    }

    /// Takes in one more service.
    pub(super) fn insert(&mut self, id: ServiceId, identity: &Identity) {
        let place = self.place(identity.name.as_str(), false);
        self.by_name.insert(place, id.number());
        self.load(id, identity);
        let (tokens, texts, hasher) = (&self.tokens, &self.texts, &self.hasher);
        let hash = |id: &u32| hash_of(hasher, texts, tokens[*id as usize]);
        self.by_token.insert_unique(hash(&id.number()), id.number(), hash);
    }

    /// Drops a service, if it is there.
    pub(super) fn remove(&mut self, id: ServiceId) {
        let Some(person) = self.person(id) else { return };
        let place = self.place(self.names.get(person.name), false);
        self.by_name.remove(place);
        let token = self.tokens[id.index()];
        let hash = hash_of(&self.hasher, &self.texts, token);
        if let Ok(found) = self.by_token.find_entry(hash, |other| *other == id.number()) {
            found.remove();
        }
        if !is_version_4(token) {
            self.texts[token as usize] = Box::default();
            self.free_texts.push(token as u32);
        }
        self.overrides.release(person.settings / 2);
        self.people[id.index()] = NOBODY;
        self.names.release(person.name);
        if self.names.is_wasteful() {
            self.pack();
        }
    }

    /// Lays the names one after another in their order, without gaps.
    fn pack(&mut self) {
        let mut names =
            Names { text: String::with_capacity(self.names.text.len() - self.names.waste), waste: 0 };
        for id in self.by_name.from(self.by_name.place(|_| false)) {
            let person = &mut self.people[id as usize];
            person.name = names.add(self.names.get(person.name));
        }
        self.names = names;
    }

    #[inline]
    fn person(&self, id: ServiceId) -> Option<Person> {
        self.people.get(id.index()).copied().filter(|person| person.name != NOBODY.name)
    }

    /// The place of the first name from `name` on, or after it.
    fn place(&self, name: &str, is_after: bool) -> Place {
        self.by_name.place(|id| match self.name(ServiceId::new(id)).cmp(name) {
            Ordering::Less => true,
            Ordering::Equal => is_after,
            Ordering::Greater => false,
        })
    }

    fn text(&self, number: u128) -> &str {
        &self.texts[number as usize]
    }

    fn add_text(&mut self, text: &str) -> u128 {
        match self.free_texts.pop() {
            Some(number) => {
                self.texts[number as usize] = text.into();
                u128::from(number)
            }
            None => {
                self.texts.push(text.into());
                (self.texts.len() - 1) as u128
            }
        }
    }
}

fn hash_of(hasher: &DefaultHashBuilder, texts: &[Box<str>], token: u128) -> u64 {
    if is_version_4(token) { hasher.hash_one(token) } else { hasher.hash_one(&*texts[token as usize]) }
}

/// How many bytes of whole characters both begin with.
fn shared_len(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    (0..=same).rev().find(|at| one.is_char_boundary(*at)).unwrap_or(0)
}

/// The first eight bytes, in whose order the texts are.
fn key(text: &[u8]) -> u64 {
    let mut first = [0; 8];
    let len = text.len().min(8);
    first[..len].copy_from_slice(&text[..len]);
    u64::from_be_bytes(first)
}

impl Names {
    #[inline]
    fn get(&self, at: u32) -> &str {
        let (len, rest) = self.text[at as usize..].split_at(2);
        let len = len.as_bytes();
        &rest[..usize::from(len[0]) | usize::from(len[1]) << 7]
    }

    fn add(&mut self, name: &str) -> u32 {
        let at = u32::try_from(self.text.len()).expect("names take less than 4 GB");
        let len = name.len();
        self.text.extend([len & 0x7f, len >> 7 & 0x7f].map(|bits| char::from(bits as u8)));
        self.text.push_str(name);
        at
    }

    fn release(&mut self, at: u32) {
        self.waste += 2 + self.get(at).len();
    }

    const fn is_wasteful(&self) -> bool {
        self.waste > WASTE_MAX && self.waste > self.text.len() / 2
    }
}

/// The memory that names of services that are no more may always take.
const WASTE_MAX: usize = 64 * 1024;

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("services", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mishpulse_core::Span;

    use super::*;

    fn identity(name: &str, token: &str, secs: u64) -> Identity {
        let timeout = Some(secs).filter(|secs| *secs > 0).map(Span::from_secs);
        Identity {
            name: name.parse().unwrap(),
            token: token.parse().unwrap(),
            overrides: Overrides { timeout, ..Overrides::default() },
            declared: secs % 2 == 1,
        }
    }

    /// The next of a row of numbers that look random.
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    fn check(directory: &Directory, model: &BTreeMap<String, (ServiceId, Identity)>) {
        assert_eq!(directory.len(), model.len());
        let in_order: Vec<ServiceId> = directory.ids_from("", false).collect();
        assert_eq!(in_order, model.values().map(|(id, _)| *id).collect::<Vec<_>>());
        for (name, (id, identity)) in model {
            assert_eq!(directory.identity(*id).as_ref(), Some(identity));
            assert_eq!(directory.by_name(name), Some(*id));
            assert_eq!(directory.by_token(&identity.token), Some(*id));
        }
    }

    #[test]
    fn everyone_is_found_whoever_comes_and_goes() {
        let (mut directory, mut model) = (Directory::default(), BTreeMap::new());
        let mut state = 7;
        for number in 0..500_u32 {
            let name = format!("служба-{}-{number}", "x".repeat(next(&mut state) as usize % 100));
            let token = match number % 3 {
                0 => format!("token-{number}"),
                _ => Token::random().unwrap().to_string(),
            };
            let who = identity(&name, &token, u64::from(number) % 5);
            let id = ServiceId::new(2 * number);
            directory.load(id, &who);
            model.insert(name, (id, who));
        }
        directory.hash();
        directory.sort();
        check(&directory, &model);
        assert_eq!(directory.handles(), 999);
        for round in 0..4000_u64 {
            let id = ServiceId::new((next(&mut state) % 1000) as u32);
            directory.remove(id);
            model.retain(|_, (other, _)| *other != id);
            if !next(&mut state).is_multiple_of(3) {
                let name = format!("{}{}", next(&mut state) % 10, "имя".repeat(round as usize % 40))
                    + &id.to_string();
                let token =
                    if round % 2 == 0 { format!("t{round}") } else { Token::random().unwrap().to_string() };
                let who = identity(&name, &token, round % 7);
                directory.insert(id, &who);
                model.insert(name, (id, who));
            }
        }
        check(&directory, &model);
        assert!(directory.names.text.len() < 3 * WASTE_MAX, "{}", directory.names.text.len());
        assert_eq!(directory.by_name("1"), None);
        assert_eq!(directory.by_token(&"nobody".parse().unwrap()), None);
        let (name, (id, _)) = model.iter().nth(9).unwrap();
        assert_eq!(directory.ids_from(name, false).next(), Some(*id));
        assert_eq!(directory.ids_from(name, true).next(), model.values().nth(10).map(|(id, _)| *id));
    }
}
