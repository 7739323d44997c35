//! `GET /channels`: who can be told, and a test of each.

use askama::Template;

use super::shell::{Pages, Shell};
use super::{Web, html};
use crate::config::ChannelSettings;
use crate::http::{Reply, Request, StatusCode};

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
pub(super) async fn test(web: Web, request: Request, name: String) -> Reply {
    let pages = Pages::for_request(&web, &request);
    if let Err(refusal) = pages.check_admin_form(&request) {
        return refusal;
    }
    let is_known = web.settings.borrow().channels.keys().any(|channel| channel.as_str() == name);
    if !is_known {
        return pages.refuse(StatusCode::NOT_FOUND, pages.words.not_found_hint);
    }
    show(&pages, None)
}

fn show(pages: &Pages<'_>, outcome: Option<Outcome>) -> Reply {
    let settings = pages.web.settings.borrow().clone();
    let channels = settings.channels.iter().map(|(name, channel)| Channel {
        name: name.to_string(),
        kind: match channel {
            ChannelSettings::Telegram(_) => "telegram",
            ChannelSettings::Email(_) => "email",
            ChannelSettings::Webhook(_) => "webhook",
        },
    });
    let page = ChannelsPage {
        outcome,
        channels: channels.collect(),
        csrf: pages.session.as_ref().map_or("", |session| &session.csrf),
        shell: pages.shell(pages.web.clock.now()),
    };
    html::page(StatusCode::OK, &page)
}
