//! What the server should decide, found out in the simplest way that there is: the core's naive model, and maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use mishpulse_core::testing::{Input, Model};
use mishpulse_core::{AlertKind, Config, Event, Policy, ServiceId, Span, Status, Timestamp};
use mishpulse_server::Settings;
use mishpulse_server::config::{ChannelName, ServiceName};
use mishpulse_server::store::NewDelivery;
use mishpulse_server::store::rows::{EventKind, EventRow, Identity, LetterKind};

use super::desk::{Answer, Sent};
use super::hush::Hush;

/// The naive server.
#[derive(Clone)]
pub struct Mirror {
    pub(super) model: Model,
    /// The latest that it was told of.
    pub now: Timestamp,
    /// Since when nobody can be heard.
    pub deaf_since: Option<Timestamp>,
    pub hush: Hush,
    /// When those died who are dead.
    pub(super) died: BTreeMap<ServiceId, Timestamp>,
    // Shared, as most turns change neither.
    pub services: Arc<BTreeMap<ServiceId, Identity>>,
    pub(super) policies: Arc<BTreeMap<ServiceId, Policy>>,
    pub settings: Arc<Settings>,
    queue: Vec<Event>,
    /// What the history is to say.
    pub said: Vec<(Option<ServiceId>, Said)>,
    /// Whom people are to be told of.
    pub owed: Vec<Owed>,
    /// Services whose settings were touched.
    pub touched: Vec<ServiceId>,
}

/// What an engine knows of its own ears.
#[derive(Clone, Copy)]
pub struct Ears {
    pub looked_at: Timestamp,
    /// Since when each look has found that something was turned away.
    pub refused_since: Option<Timestamp>,
}

impl Ears {
    pub const fn new(now: Timestamp) -> Self {
        Self { looked_at: now, refused_since: None }
    }
}

/// A line of the history.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Changed(Status, Status, Timestamp),
    Alert(AlertKind, Timestamp, Option<String>),
    Blind(Timestamp, Timestamp),
    Silence(Timestamp, Timestamp, usize, usize),
    Edit(String),
}

/// A letter that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Owed {
    pub service: Option<ServiceId>,
    pub name: ServiceName,
    pub channel: ChannelName,
    pub kind: AlertKind,
    pub at: Timestamp,
    pub began: Timestamp,
    pub since: Timestamp,
    pub status: Status,
    pub previous: Status,
    pub last_seen: Option<Timestamp>,
    pub message: Option<String>,
    /// The service went in the same turn: nobody needs to hear of it.
    pub is_optional: bool,
}

impl Mirror {
    pub fn new(settings: Arc<Settings>, now: Timestamp) -> Self {
        Self {
            model: Model::new(Config::blind_after(settings.blind_after), now),
            now,
            deaf_since: None,
            hush: Hush::default(),
            died: BTreeMap::new(),
            services: Arc::default(),
            policies: Arc::default(),
            settings,
            queue: Vec::new(),
            said: Vec::new(),
            owed: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// Nothing is expected yet of the next turn.
    pub fn begin(&mut self) {
        self.said.clear();
        self.owed.clear();
        self.touched.clear();
    }

    /// The server goes on from what it stored; `silence` is the last of everyone that people were told of.
    pub fn restore(&mut self, now: Timestamp, silence: Option<Timestamp>) {
        for (id, identity) in &*Arc::clone(&self.services) {
            let policy = self.policy_of(identity);
            self.model.follow(*id, policy);
            Arc::make_mut(&mut self.policies).insert(*id, policy);
        }
        self.input(&Input::Restart, now);
        self.deaf_since = None;
        self.restore_hush(silence);
    }

    /// What was turned away since the last look, or was not, says whether anyone can be heard.
    pub fn listen(&mut self, ears: &mut Ears, has_refused: bool, now: Timestamp) {
        let before = std::mem::replace(&mut ears.looked_at, now);
        ears.refused_since = has_refused.then(|| ears.refused_since.unwrap_or(before));
        match (ears.refused_since, self.deaf_since) {
            (Some(since), None) => {
                self.input(&Input::Deaf, since);
                self.deaf_since = Some(since);
            }
            (None, Some(_)) => {
                let is_far = now.since(before) > Span::from_secs(1);
                self.input(&Input::Hears, if is_far { now } else { before });
                self.deaf_since = None;
            }
            _ => {}
        }
    }

    /// The configuration file holds, as at each start.
    pub fn start(&mut self, now: Timestamp) {
        self.declare(now);
        self.look(now);
    }

    /// Looks after everyone.
    pub fn look(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        for event in std::mem::take(&mut self.queue) {
            self.take(event);
        }
        for event in self.model.look(now) {
            self.take(event);
        }
    }

    /// What is to be answered, if all can be stored.
    pub fn apply(&mut self, sent: &Sent, at: Timestamp) -> Answer {
        let answer = self.carry_out(sent, at);
        // Whom nobody knows does not move time on.
        if answer != Answer::Unknown {
            self.look(at);
        }
        answer
    }

    /// What is believed of a service: its status, when it was last heard, until when it must be heard.
    pub fn facts(&self, id: ServiceId) -> Option<(Status, Option<Timestamp>, Option<Timestamp>)> {
        self.model.service(id)
    }

    /// When something is due, if nothing is heard.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.model.next_due()
    }

    /// How long a service may be silent.
    pub fn policy(&self, id: ServiceId) -> Option<&Policy> {
        self.policies.get(&id)
    }

    pub fn by_name(&self, name: &ServiceName) -> Option<ServiceId> {
        self.services.iter().find(|(_, identity)| identity.name == *name).map(|(id, _)| *id)
    }

    fn carry_out(&mut self, sent: &Sent, at: Timestamp) -> Answer {
        let named = |name| self.by_name(name);
        match sent {
            Sent::Beat { token, signal, .. } => {
                let found = self.services.iter().find(|(_, identity)| identity.token == *token);
                let Some((id, _)) = found else { return Answer::Unknown };
                self.input(&Input::Beat(*id, signal.clone()), at);
                self.hush.heard(at);
            }
            Sent::Create(identity) => {
                if self.is_taken(None, identity) {
                    return Answer::Wrong;
                }
                self.create(identity.clone(), at);
            }
            Sent::Amend(name, amendment) => {
                let Some(id) = named(name) else { return Answer::Wrong };
                let before = &self.services[&id];
                let identity = amendment.of(before);
                let is_renamed = before.declared && identity.name != before.name;
                if is_renamed || self.is_taken(Some(id), &identity) {
                    return Answer::Wrong;
                }
                self.update(id, identity, at);
            }
            Sent::Delete(name) => {
                let Some(id) = named(name) else { return Answer::Wrong };
                self.input(&Input::Forget(id), at);
                Arc::make_mut(&mut self.services).remove(&id);
                Arc::make_mut(&mut self.policies).remove(&id);
                self.died.remove(&id);
                self.said.retain(|(service, _)| *service != Some(id));
                for owed in self.owed.iter_mut().filter(|owed| owed.service == Some(id)) {
                    (owed.service, owed.is_optional) = (None, true);
                }
            }
            Sent::Pause(name) => {
                let Some(id) = named(name) else { return Answer::Wrong };
                self.said.push((Some(id), Said::Edit("paused".to_owned())));
                self.input(&Input::Pause(id), at);
            }
            Sent::Resume(name) => {
                let Some(id) = named(name) else { return Answer::Wrong };
                self.said.push((Some(id), Said::Edit("resumed".to_owned())));
                self.input(&Input::Resume(id), at);
            }
            Sent::RotateToken(name, token) => {
                let Some(id) = named(name) else { return Answer::Wrong };
                let identity = Identity { token: token.clone(), ..self.services[&id].clone() };
                if self.services[&id].declared || self.is_taken(Some(id), &identity) {
                    return Answer::Wrong;
                }
                Arc::make_mut(&mut self.services).insert(id, identity);
                self.said.push((Some(id), Said::Edit("token rotated".to_owned())));
            }
            Sent::Settle(_) | Sent::Post(_) => {}
            Sent::Reconfigure(settings) => {
                self.settings = Arc::clone(settings);
                self.declare(at);
                let ids: Vec<ServiceId> = self.services.keys().copied().collect();
                for id in ids {
                    let policy = self.policy_of(&self.services[&id]);
                    if self.policies[&id] != policy {
                        self.change(id, policy, at);
                    }
                }
            }
        }
        Answer::Kept
    }

    fn declare(&mut self, now: Timestamp) {
        let settings = Arc::clone(&self.settings);
        let names: Vec<&ServiceName> = settings.services.iter().map(|service| &service.name).collect();
        let gone = self.services.iter().filter(|(_, identity)| identity.declared);
        let gone: Vec<_> = gone
            .filter(|(_, identity)| !names.contains(&&identity.name))
            .map(|(id, identity)| (*id, Identity { declared: false, ..identity.clone() }))
            .collect();
        for (id, identity) in gone {
            self.update(id, identity, now);
        }
        for service in &settings.services {
            let token = service.token.clone().expect("the simulation gives every declared service a token");
            let (name, overrides) = (service.name.clone(), service.overrides.clone());
            let identity = Identity { name, token, overrides, declared: true };
            match self.by_name(&service.name) {
                Some(id) => self.update(id, identity, now),
                None => self.create(identity, now),
            }
        }
    }

    fn is_taken(&self, id: Option<ServiceId>, identity: &Identity) -> bool {
        let mut others = self.services.iter().filter(|(other, _)| Some(**other) != id);
        others.any(|(_, other)| other.name == identity.name || other.token == identity.token)
    }

    fn create(&mut self, identity: Identity, now: Timestamp) {
        let free = (0..).map(ServiceId::new).find(|id| !self.services.contains_key(id));
        let id = free.expect("there is always another number");
        let policy = self.policy_of(&identity);
        self.said.push((Some(id), Said::Edit("created".to_owned())));
        Arc::make_mut(&mut self.services).insert(id, identity);
        Arc::make_mut(&mut self.policies).insert(id, policy);
        self.input(&Input::Watch(policy), now);
    }

    fn update(&mut self, id: ServiceId, identity: Identity, now: Timestamp) {
        if self.services[&id] == identity {
            return;
        }
        let policy = self.policy_of(&identity);
        self.said.push((Some(id), Said::Edit("updated".to_owned())));
        Arc::make_mut(&mut self.services).insert(id, identity);
        self.change(id, policy, now);
    }

    fn change(&mut self, id: ServiceId, policy: Policy, now: Timestamp) {
        Arc::make_mut(&mut self.policies).insert(id, policy);
        self.touched.push(id);
        self.input(&Input::Change(id, policy), now);
    }

    fn policy_of(&self, identity: &Identity) -> Policy {
        self.settings
            .defaults
            .with(&identity.overrides)
            .policy()
            .expect("the simulation asks for what can be")
    }

    fn input(&mut self, input: &Input, now: Timestamp) {
        self.now = self.now.max(now);
        let (events, _) = self.model.apply(input, now);
        self.queue.extend(events);
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Changed(change) => {
                self.died.remove(&change.service);
                if change.to == Status::Dead {
                    self.died.insert(change.service, change.at);
                }
                self.said.push((Some(change.service), Said::Changed(change.from, change.to, change.at)));
            }
            Event::Blind(gap) => self.said.push((None, Said::Blind(gap.from, gap.until))),
            Event::Alert(alert) => {
                let message = alert.message.as_ref().map(|message| message.as_str().to_owned());
                self.said.push((Some(alert.service), Said::Alert(alert.kind, alert.at, message.clone())));
                let Some(identity) = self.services.get(&alert.service) else { return };
                let effective = self.settings.defaults.with(&identity.overrides);
                for channel in self.settings.channels.keys() {
                    if effective.channels.as_ref().is_some_and(|meant| !meant.contains(channel)) {
                        continue;
                    }
                    self.owed.push(Owed {
                        service: Some(alert.service),
                        name: identity.name.clone(),
                        channel: channel.clone(),
                        kind: alert.kind,
                        at: alert.at,
                        began: alert.began,
                        since: alert.since,
                        status: alert.to,
                        previous: alert.from,
                        last_seen: alert.last_seen,
                        message: message.clone(),
                        is_optional: false,
                    });
                }
            }
            _ => {}
        }
    }
}

/// A line of the history, as the server wrote it.
pub fn said(event: &EventRow) -> (Option<ServiceId>, Said) {
    let said = match event.kind.clone() {
        EventKind::Transition { from, to, .. } => Said::Changed(from, to, event.at),
        EventKind::Alert { alert, message } => Said::Alert(alert, event.at, message),
        EventKind::Blind { from } => Said::Blind(from, event.at),
        EventKind::Silence { since, silent, of } => Said::Silence(since, event.at, silent, of),
        EventKind::Edit { action, .. } => Said::Edit(action),
        _ => Said::Edit("something new".to_owned()),
    };
    (event.service, said)
}

/// A letter about a service, as the server wrote it.
pub fn owed(delivery: &NewDelivery) -> Option<Owed> {
    let (letter, about) = (&delivery.letter, delivery.letter.service.as_ref()?);
    let LetterKind::Alert(kind) = letter.kind else { return None };
    Some(Owed {
        service: delivery.service,
        name: about.name.clone(),
        channel: delivery.channel.clone(),
        kind,
        at: letter.at,
        began: letter.began,
        since: letter.since,
        status: about.status,
        previous: about.previous_status,
        last_seen: about.last_seen,
        message: about.message.clone(),
        is_optional: false,
    })
}
