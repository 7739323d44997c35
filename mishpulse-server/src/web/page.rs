//! `GET /`: what is alive, at a glance.

use askama::Template;
use mishpulse_core::{Status, Timestamp};

use super::Web;
use super::html;
use super::rows::{Line, TagLink};
use super::seek::Seek;
use super::shell::{Pages, Shell};
use super::words::{WORST_FIRST, sign};
use crate::engine::{Board, RowRef, Summary, View};
use crate::http::{Reply, Request, StatusCode};
use crate::notify::text::one_line;

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage<'a> {
    shell: Shell<'a>,
    title: String,
    summary: String,
    worst_sign: &'static str,
    filter: FilterShown,
    all: Chip,
    chips: Vec<Chip>,
    tags: Vec<TagLink>,
    trouble: Vec<Line>,
    trouble_more: Option<&'static str>,
    rest: Vec<Line>,
    /// The names of the rest lie after this one ...
    from: String,
    /// ... and up to this one, where there are more.
    to: Option<String>,
    nothing: &'static str,
    first: Option<String>,
    next: Option<String>,
}

struct FilterShown {
    text: String,
    statuses: Vec<&'static str>,
    tags: Vec<String>,
}

/// A status with its number, which narrows the list to it.
struct Chip {
    status: &'static str,
    sign: &'static str,
    word: &'static str,
    count: usize,
    href: String,
    is_on: bool,
}

/// Answers `GET /`.
pub(super) async fn answer(web: Web, request: Request) -> Reply {
    let pages = Pages::for_request(&web, &request);
    if let Err(refusal) = pages.check_access("/") {
        return refusal;
    }
    let seek = Seek::read(request.query());
    // The place in the feed first: what changes while the lists are read comes again.
    let feed = web.feed.position();
    let now = web.clock.now();
    let lists = Lists::read(&web.board, &seek, &pages, now).await;
    let words = pages.words;
    let summary = lists.summary;
    let said = words.summary(summary);
    let worst = worst(summary);
    let shell = Shell { worst: worst.as_str(), feed: Some(feed), ..pages.shell(now) };
    let page = ListPage {
        title: format!("{} {said} · MishPulse", sign(worst)),
        summary: said,
        worst_sign: sign(worst),
        all: Chip {
            status: "",
            sign: "",
            word: words.all,
            count: lists.total,
            href: seek.with_statuses(&[]).href(),
            is_on: seek.statuses.is_empty(),
        },
        chips: WORST_FIRST
            .iter()
            .map(|status| Chip {
                status: status.as_str(),
                sign: sign(*status),
                word: words.status(*status),
                count: summary.of(*status),
                href: seek.with_statuses(&[*status]).href(),
                is_on: seek.statuses.contains(status),
            })
            .collect(),
        tags: (seek.tags.iter())
            .map(|tag| TagLink { name: one_line(tag.as_str()), href: seek.without_tag(tag).href() })
            .collect(),
        trouble_more: lists.has_more_trouble.then_some(words.more_trouble),
        trouble: lists.trouble,
        nothing: if lists.total == 0 && seek.is_open() { words.nothing_here } else { words.nothing_found },
        from: seek.after.clone().unwrap_or_default(),
        first: seek.after.is_some().then(|| seek.from(None).href()),
        next: lists.next.clone().map(|after| seek.from(Some(after)).href()),
        to: lists.next,
        rest: lists.rest,
        filter: FilterShown {
            text: seek.text.clone(),
            statuses: seek.statuses.iter().map(|status| status.as_str()).collect(),
            tags: seek.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        },
        shell,
    };
    html::page(StatusCode::OK, &page)
}

/// The worst status that there is; `new` where there is nothing, and `alive` where all is well.
pub(super) fn worst(summary: Summary) -> Status {
    WORST_FIRST.into_iter().find(|status| summary.of(*status) > 0).unwrap_or(Status::New)
}

/// The services on one page of the list.
struct Lists {
    summary: Summary,
    total: usize,
    trouble: Vec<Line>,
    has_more_trouble: bool,
    rest: Vec<Line>,
    /// The last name of the page, where there is a next one.
    next: Option<String>,
}

/// The most services in trouble on a page; they are on every one.
const TROUBLE_MAX: usize = 100;
/// The other services of one page.
const REST_MAX: usize = 100;
/// The most rows that are looked at while the engine may be waiting.
const LOOK_MAX: usize = 2048;

impl Lists {
    async fn read(board: &Board, seek: &Seek, pages: &Pages<'_>, now: Timestamp) -> Self {
        let line = |view: &View, row: RowRef<'_>| Line::new(view, row, pages.words, now);
        let mut lists = board.read(|view| {
            let shown = view.attention().take(LOOK_MAX).filter(|row| seek.shows(view, *row));
            let mut trouble: Vec<Line> = shown.take(TROUBLE_MAX + 1).map(|row| line(view, row)).collect();
            let has_more_trouble = trouble.len() > TROUBLE_MAX;
            trouble.truncate(TROUBLE_MAX);
            let (summary, total) = (view.summary(), view.len());
            Self { summary, total, trouble, has_more_trouble, rest: Vec::new(), next: None }
        });
        let mut after = seek.after.clone();
        loop {
            let (looked_up_to, is_full) = board.read(|view| {
                let mut last = None;
                for row in
                    view.rows_by_name(after.as_deref().unwrap_or_default(), after.is_some()).take(LOOK_MAX)
                {
                    let needs_attention =
                        matches!(row.status, Status::Dead | Status::Error | Status::Warning);
                    if !needs_attention && seek.shows(view, row) {
                        if lists.rest.len() == REST_MAX {
                            return (last, true);
                        }
                        lists.rest.push(line(view, row));
                    }
                    last = Some(row.name().to_owned());
                }
                (last, false)
            });
            if is_full {
                lists.next = looked_up_to;
                return lists;
            }
            if looked_up_to.is_none() {
                return lists;
            }
            after = looked_up_to;
            tokio::task::yield_now().await;
        }
    }
}
