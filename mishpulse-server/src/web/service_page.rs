//! `GET /services/{name}`: all that is known of one service.

use askama::Template;
use mishpulse_core::{Status, Timestamp};

use super::plot::{Day, Gaps, days};
use super::rows::{Line, service_href, shortened};
use super::shell::{Pages, Shell};
use super::snippets::{Snippet, snippets};
use super::story::{Chapter, tell};
use super::uptime::Past;
use super::words::Words;
use super::{Web, html};
use crate::config::Effective;
use crate::engine::Row;
use crate::http::{Reply, Request, StatusCode};
use crate::store::StoreError;
use crate::store::rows::{DeliveryRow, EventRow, TransitionRow};

#[derive(Template)]
#[template(path = "service.html")]
struct ServicePage<'a> {
    shell: Shell<'a>,
    title: String,
    line: Line,
    message: String,
    description: Option<String>,
    csrf: Option<&'a str>,
    base: String,
    is_paused: bool,
    is_new: bool,
    uptime: Vec<Figure>,
    days: Vec<Day>,
    days_said: String,
    gaps: Option<Gaps>,
    events: Vec<Chapter>,
    older: Option<String>,
    settings: Vec<Setting>,
    badge: String,
    public_url: String,
    snippets: Vec<Snippet>,
}

/// The uptime of a time.
struct Figure {
    label: &'static str,
    percent: String,
    unknown: Option<String>,
}

struct Setting {
    label: &'static str,
    value: String,
}

/// Answers `GET /services/{name}`.
pub(super) async fn answer(web: Web, request: Request, name: String) -> Reply {
    let pages = Pages::for_request(&web, &request);
    let base = service_href(&name);
    if let Err(refusal) = pages.check_access(&base) {
        return refusal;
    }
    let feed = web.feed.position();
    let now = web.clock.now();
    let words = pages.words;
    let found = web.board.read(|view| {
        let row = view.row(&name)?;
        Some((row.to_row(), view.effective(row), Line::new(view, row, words, now), view.gaps(row.id)))
    });
    let Some((row, effective, line, gaps)) = found else {
        return pages.refuse(StatusCode::NOT_FOUND, words.not_found_hint);
    };
    let before = request.query().find("before").and_then(|before| before.parse().ok());
    let kept = match Kept::read(&web, &row, before, now).await {
        Ok(kept) => kept,
        Err(error) => {
            tracing::error!(%error, "the history could not be read");
            return pages.refuse(StatusCode::SERVICE_UNAVAILABLE, words.unavailable);
        }
    };
    let events_end =
        kept.events.last().map(|(seq, _)| *seq).filter(|_| kept.events.len() == EVENTS_MAX as usize);
    let past = Past::new(row.status, row.since, &kept.transitions, kept.is_complete(), kept.blind, now);
    let uptime = |label, days: i64| {
        let share = past.share(Timestamp::from_unix_ms(now.unix_ms().saturating_sub(days * DAY_MS)), now);
        Figure {
            label,
            percent: share.percent().map_or_else(|| "–".to_owned(), |percent| words.percent(&percent)),
            unknown: Some(share.unknown_percent())
                .filter(|percent| *percent > 0)
                .map(|percent| format!("{} {}", words.percent(&percent.to_string()), words.unknown_time)),
        }
    };
    let month = uptime(words.month, 30);
    let settings = web.settings.borrow().clone();
    let is_admin = pages.session.as_ref().is_some_and(|session| session.is_admin);
    let page = ServicePage {
        title: format!("{} {}: {} · MishPulse", line.sign, line.name, line.word),
        message: row.message.as_ref().map(|text| shortened(text, MESSAGE_CHARS_MAX)).unwrap_or_default(),
        description: effective.description.clone().filter(|text| !text.is_empty()),
        csrf: pages.session.as_ref().filter(|session| session.is_admin).map(|session| session.csrf.as_str()),
        is_paused: row.status == Status::Paused,
        is_new: row.last_seen.is_none(),
        days: days(&past, words, now),
        days_said: format!("{}: {} {}", words.days_title, month.label, month.percent),
        uptime: vec![uptime(words.day, 1), uptime(words.week, 7), month],
        gaps: Gaps::new(&gaps, effective.timeout + effective.grace),
        events: tell(&kept.events, &kept.deliveries, words, pages.session.is_some()),
        older: events_end.map(|seq| format!("{base}?before={seq}#h-history")),
        settings: tell_settings(&row, &effective, words, now),
        badge: web.badges.of(row.shown()),
        snippets: match is_admin {
            true => snippets(&settings.public_url, &row.identity.token.text()),
            false => Vec::new(),
        },
        public_url: settings.public_url.clone(),
        shell: Shell { worst: row.status.as_str(), feed: Some(feed), ..pages.shell(now) },
        base,
        line,
    };
    html::page(StatusCode::OK, &page)
}

/// Answers `GET /services?name=`: the way to the two names that cannot stand in a path.
pub(super) async fn answer_by_query(web: Web, request: Request) -> Reply {
    let name = request.query().find("name").unwrap_or_default().into_owned();
    answer(web, request, name).await
}

/// What the store keeps of a service.
struct Kept {
    transitions: Vec<TransitionRow>,
    blind: Vec<(Timestamp, Timestamp)>,
    events: Vec<(i64, EventRow)>,
    deliveries: Vec<DeliveryRow>,
}

const DAY_MS: i64 = 86_400_000;
/// As far back as the bar of days goes.
const PAST_DAYS: i64 = 91;
const MESSAGE_CHARS_MAX: usize = 1000;
/// A service that changes every minute for two weeks.
const TRANSITIONS_MAX: u32 = 20_000;
const BLIND_MAX: u32 = 10_000;
const EVENTS_MAX: u32 = 50;
const DELIVERIES_MAX: u32 = 500;

impl Kept {
    /// Reads it on a thread that may block, a few at a time.
    async fn read(web: &Web, row: &Row, before: Option<i64>, now: Timestamp) -> Result<Self, StoreError> {
        let id = row.id;
        let since = Timestamp::from_unix_ms(now.unix_ms().saturating_sub(PAST_DAYS * DAY_MS));
        web.archive
            .read(move |history| {
                Ok(Self {
                    transitions: history.transitions(id, since, TRANSITIONS_MAX)?,
                    blind: history.blindness(since, BLIND_MAX)?,
                    events: history.events(id, before, EVENTS_MAX)?,
                    deliveries: history.deliveries_of(id, DELIVERIES_MAX)?,
                })
            })
            .await
    }

    fn is_complete(&self) -> bool {
        self.transitions.len() < TRANSITIONS_MAX as usize
    }
}

fn tell_settings(row: &Row, effective: &Effective, words: &Words, now: Timestamp) -> Vec<Setting> {
    let yes = |is: bool| if is { words.yes } else { words.no }.to_owned();
    let list = |all: Vec<&str>, none: &str| if all.is_empty() { none.to_owned() } else { all.join(", ") };
    let mut settings = Vec::new();
    let mut add = |label, value: String| settings.push(Setting { label, value });
    add(words.last_seen, row.last_seen.map_or_else(|| words.never.to_owned(), |at| words.moment(at, now)));
    add(words.since, words.moment(row.since, now));
    if let Some(deadline) = row.deadline {
        add(words.deadline, words.moment(deadline, now));
    }
    add(words.timeout, effective.timeout.to_string());
    add(words.grace, effective.grace.to_string());
    add(
        words.who_is_told,
        match &effective.channels {
            None => words.all_channels.to_owned(),
            Some(channels) => list(channels.iter().map(|name| name.as_str()).collect(), words.no_channels),
        },
    );
    add(words.notify_on, list(effective.notify_on.iter().map(|kind| words.alert(*kind)).collect(), words.no));
    add(
        words.remind_every,
        effective.remind_every.map_or_else(|| words.off.to_owned(), |every| every.to_string()),
    );
    add(words.error_cooldown, effective.error_cooldown.to_string());
    add(words.resume_on_beat, yes(effective.resume_on_beat));
    settings
}
