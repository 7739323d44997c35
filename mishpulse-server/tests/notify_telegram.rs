//! A Telegram chat and everything that may become of a try, against a double of the Bot API.

use std::time::Duration;

use mishpulse_core::AlertKind;
use mishpulse_server::config::{Locale, Secret, TelegramSettings};
use mishpulse_server::notify::{Channel, Parcel, Telegram};

#[path = "notify_parts/bot_api.rs"]
mod bot_api;
#[path = "notify_parts/certificates.rs"]
mod certificates;
#[path = "notify_parts/http.rs"]
mod http;
#[path = "notify_parts/letters.rs"]
mod letters;

use bot_api::{BLOCKED, BotApi, CHAT, OLD_GROUP, TOKEN, TOPIC};
use certificates::Certificates;
use http::{Reply, Server};
use letters::{Expected, check, id, letter, send, text};

fn settings(api_url: &str) -> TelegramSettings {
    TelegramSettings {
        bot_token: Secret::new(TOKEN),
        chat_id: CHAT.to_owned(),
        message_thread_id: None,
        api_url: api_url.to_owned(),
    }
}

fn telegram(settings: &TelegramSettings) -> Telegram {
    Telegram::new(settings, Duration::from_secs(20))
}

fn url(server: &Server) -> String {
    format!("http://127.0.0.1:{}", server.port)
}

#[test]
fn the_matrix_of_what_the_api_says() {
    type Change = fn(&mut TelegramSettings);
    let cases: [(&str, Change, Expected, usize); 9] = [
        ("accepts", |_| (), Expected::Sent, 1),
        ("accepts, in a topic", |to| to.message_thread_id = Some(TOPIC), Expected::Sent, 1),
        ("accepts, after the group has moved", |to| to.chat_id = OLD_GROUP.to_owned(), Expected::Sent, 2),
        (
            "refuses for good, wrong token",
            |to| to.bot_token = Secret::new("123456:wrong"),
            Expected::Final("401: Unauthorized; check bot_token"),
            1,
        ),
        (
            "refuses for good, no token",
            |to| to.bot_token = Secret::new("wrong"),
            Expected::Final("404: Not Found; check bot_token"),
            1,
        ),
        (
            "refuses for good, chat not found",
            |to| to.chat_id = "-1".to_owned(),
            Expected::Final("400: Bad Request: chat not found; check chat_id -1"),
            1,
        ),
        (
            "refuses for good, no chat",
            |to| to.chat_id = String::new(),
            Expected::Final("400: Bad Request: chat_id is empty; check chat_id"),
            1,
        ),
        (
            "refuses for good, blocked",
            |to| to.chat_id = BLOCKED.to_owned(),
            Expected::Final("403: Forbidden: bot was blocked by the user; let the bot into chat 4242"),
            1,
        ),
        (
            "refuses for good, no such topic",
            |to| to.message_thread_id = Some(8),
            Expected::Final("400: Bad Request: message thread not found; check message_thread_id"),
            1,
        ),
    ];
    for (case, change, expected, requests) in cases {
        let api = BotApi::start();
        let mut settings = settings(&url(&api.server));
        change(&mut settings);
        check(case, expected, &send(&mut telegram(&settings), 1));
        assert_eq!(api.server.requests().len(), requests, "{case}");
        assert_eq!(api.delivered().len(), usize::from(matches!(expected, Expected::Sent)), "{case}");
    }
}

#[test]
fn a_flood_waits_for_as_long_as_the_api_asks() {
    let api = BotApi::start();
    let mut telegram = telegram(&settings(&url(&api.server)));
    api.flood_next(17);
    let expected = Expected::Later("429: Too Many Requests: retry after 17", Some(17));
    check("temporary, flood", expected, &send(&mut telegram, 1));
    check("accepts, after that", Expected::Sent, &send(&mut telegram, 1));
    assert_eq!(api.delivered().len(), 1);
}

#[test]
fn the_matrix_of_what_servers_and_networks_do() {
    for (case, reply, expected) in [
        ("accepts, then breaks off", Reply::CutBody(200), Expected::Sent),
        ("5xx, 500", Reply::new(500, ""), Expected::Later("answered 500 Internal Server Error", None)),
        ("5xx, 502", Reply::new(502, "<html>\n"), Expected::Later("answered 502 Bad Gateway: <html>", None)),
        ("closes mid-answer", Reply::CutHead, Expected::Later("the connection to 127.0.0.1 failed", None)),
        ("does not speak HTTP", Reply::Babble, Expected::Later("does not answer in HTTP", None)),
        ("accepts and never answers", Reply::Hang, Expected::Later("did not answer within 1 s", None)),
    ] {
        let timeout = Duration::from_secs(if matches!(reply, Reply::Hang) { 1 } else { 20 });
        let server = Server::start(move |_| reply.clone());
        let mut telegram = Telegram::new(&settings(&url(&server)), timeout);
        check(case, expected, &send(&mut telegram, 1));
        assert_eq!(server.requests().len(), 1, "{case}");
    }
    let unknown = Certificates::new("localhost");
    let server = Server::start_tls(&unknown, |_| Reply::new(200, ""));
    for (case, api_url, expected) in [
        (
            "name does not resolve",
            "http://api.invalid".to_owned(),
            Expected::Later("the name api.invalid does not resolve", None),
        ),
        (
            "wrong certificate",
            format!("https://localhost:{}", server.port),
            Expected::Later("localhost cannot be trusted: its certificate is signed by nobody", None),
        ),
    ] {
        check(case, expected, &send(&mut telegram(&settings(&api_url)), 1));
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_group_that_has_moved_is_found_at_once_from_then_on() {
    let api = BotApi::start();
    let mut telegram =
        telegram(&TelegramSettings { chat_id: OLD_GROUP.to_owned(), ..settings(&url(&api.server)) });
    for number in 1..=3 {
        send(&mut telegram, number).unwrap();
    }
    let chats: Vec<_> =
        api.server.requests().iter().map(|request| request.json()["chat_id"].clone()).collect();
    assert_eq!(chats, [OLD_GROUP, CHAT, CHAT, CHAT]);
    assert_eq!(api.delivered().len(), 3);
}

#[test]
fn a_message_is_plain_text_in_one_piece() {
    let api = BotApi::start();
    let mut telegram = telegram(&settings(&url(&api.server)));
    let letter = letter(AlertKind::Dead);
    let texts = [Locale::En, Locale::Ru].map(|locale| text(&letter, locale));
    let long = "😀".repeat(5_000);
    let parcel = |text| Parcel { id: id(1), letter: &letter, text, in_reply_to: None };
    let odd = "❌ <b>*_`[x](http://a)</b>\n\"}]\\";
    telegram.send(&parcel(odd)).unwrap();
    telegram.send(&parcel(&long)).unwrap();

    let requests = api.server.requests();
    let body = requests[0].json();
    assert_eq!(body["text"], odd);
    assert_eq!(body.get("parse_mode"), None);
    assert_eq!(body["link_preview_options"]["is_disabled"], true);
    assert_eq!(api.delivered()[1]["text"].as_str().unwrap().chars().count(), 2_048);
    assert_eq!(telegram.text_bytes_max(), 4_096);

    for text in &texts {
        telegram.send(&parcel(text)).unwrap();
        println!("{:#}", api.delivered().last().unwrap());
    }
}

#[test]
fn no_error_tells_the_token() {
    let echo = Server::start(|request| Reply::new(500, &request.line));
    for api_url in [url(&echo), "http://api.invalid".to_owned(), "http://127.0.0.1:1".to_owned()] {
        let refusal = send(&mut telegram(&settings(&api_url)), 1).unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("ABC-DEF"), "{refusal}");
    }
}
