//! `GET /channels`: who can be told, and a test of each.

use askama::Template;

use super::shell::{Pages, Shell};
use super::{Web, html};
use crate::config::ChannelName;
use crate::http::{Reply, Request, StatusCode};
use crate::notify::{TrialError, Trials};

#[derive(Template)]
#[template(path = "channels.html")]
struct ChannelsPage<'a> {
    shell: Shell<'a>,
    outcome: Option<Outcome>,
    channels: Vec<Channel>,
    csrf: &'a str,
}

struct Channel {
    name: String,
    kind: &'static str,
    target: String,
}

/// How a test went.
struct Outcome {
    channel: String,
    is_sent: bool,
    text: String,
}

/// Answers `GET /channels`.
pub(super) fn answer(web: &Web, request: &Request) -> Reply {
    let pages = Pages::for_request(web, request);
    match pages.check_admin("/channels") {
        Ok(_) => show(&pages, None),
        Err(refusal) => refusal,
    }
}

/// Answers `POST /channels/{name}/test`.
pub(super) async fn test(web: Web, trials: Trials, request: Request, name: String) -> Reply {
    let pages = Pages::for_request(&web, &request);
    let session = match pages.check_admin_form(&request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let known: Option<ChannelName> = {
        let settings = web.settings.borrow();
        settings.channels.keys().find(|channel| channel.as_str() == name).cloned()
    };
    let Some(channel) = known else {
        return pages.refuse(StatusCode::NOT_FOUND, pages.words.not_found_hint);
    };
    tracing::info!(%channel, by = session.name, "test");
    let words = pages.words;
    let text = match trials.run(&channel).await {
        Ok(_) => {
            let (channel, text) = (name, words.test_sent.to_owned());
            return show(&pages, Some(Outcome { channel, is_sent: true, text }));
        }
        Err(TrialError::Refused { why, .. }) => format!("{} {why}", words.test_failed),
        Err(TrialError::TimedOut { .. }) => words.test_waiting.to_owned(),
        Err(_) => words.unavailable.to_owned(),
    };
    show(&pages, Some(Outcome { channel: name, is_sent: false, text }))
}

fn show(pages: &Pages<'_>, outcome: Option<Outcome>) -> Reply {
    let settings = pages.web.settings.borrow().clone();
    let channels = settings.channels.iter().map(|(name, channel)| Channel {
        name: name.to_string(),
        kind: channel.kind(),
        target: channel.target(),
    });
    let page = ChannelsPage {
        outcome,
        channels: channels.collect(),
        csrf: pages.session.as_ref().map_or("", |session| &session.csrf),
        shell: pages.shell(pages.web.clock.now()),
    };
    html::page(StatusCode::OK, &page)
}
