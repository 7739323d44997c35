//! Adding, editing, pausing, rotating and deleting by hand: plain forms, carried out by the engine.

use askama::Template;
use mishpulse_core::Status;

use super::forms::{Draft, Group, Input, Mistake};
use super::rows::service_href;
use super::shell::{Pages, Shell};
use super::{Web, html};
use crate::config::{Overrides, ServiceName, Token};
use crate::engine::{Command, Edit, EditError, Edited, Unavailable};
use crate::http::{Query, Reply, Request, StatusCode};
use crate::store::rows::Identity;

#[derive(Template)]
#[template(path = "form.html")]
struct FormPage<'a> {
    shell: Shell<'a>,
    heading: String,
    is_declared: bool,
    mistake: Option<String>,
    action: String,
    csrf: &'a str,
    inputs: Vec<Input>,
    groups: Vec<Group>,
    back: String,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    shell: Shell<'a>,
    heading: String,
    text: &'static str,
    is_missing: bool,
    action: String,
    button: &'static str,
    csrf: &'a str,
    back: String,
}

/// What a form is about.
enum Subject {
    New,
    Service { name: String, is_declared: bool },
}

/// Answers `GET /add`.
pub(super) fn add_form(web: &Web, request: &Request) -> Reply {
    let pages = Pages::for_request(web, request);
    match pages.check_admin("/add") {
        Ok(_) => show_form(&pages, &Subject::New, &Draft::default(), None),
        Err(refusal) => refusal,
    }
}

/// Answers `POST /add`.
pub(super) async fn add(web: Web, request: Request) -> Reply {
    let pages = Pages::for_request(&web, &request);
    let session = match pages.check_admin_form(&request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let text = String::from_utf8_lossy(&request.body);
    let draft = Draft::read(Query::new(&text));
    let wanted = match draft.wanted(pages.words) {
        Ok(wanted) => wanted,
        Err(mistake) => return show_form(&pages, &Subject::New, &draft, Some(mistake)),
    };
    let Some(token) = wanted.token.or_else(|| Token::random().ok()) else {
        return pages.refuse(StatusCode::SERVICE_UNAVAILABLE, pages.words.unavailable);
    };
    let identity = Identity { name: wanted.name, token, overrides: wanted.overrides, declared: false };
    match carry_out(&web, Edit::Create(identity), &session.name).await {
        Ok(edited) => done(edited, "created"),
        Err(refusal) => refused(&pages, &Subject::New, &draft, refusal),
    }
}

/// Answers `GET /services/{name}/edit`.
pub(super) fn edit_form(web: &Web, request: &Request, name: &str) -> Reply {
    let pages = Pages::for_request(web, request);
    if let Err(refusal) = pages.check_admin(&format!("{}/edit", service_href(name))) {
        return refusal;
    }
    match identity(web, name) {
        Some(identity) => {
            let draft = Draft::of(name, &identity.overrides);
            show_form(&pages, &subject(name, identity.declared), &draft, None)
        }
        None => pages.refuse(StatusCode::NOT_FOUND, pages.words.not_found_hint),
    }
}

/// Answers `GET /services/{name}/{rotate,delete}`: asks once more.
pub(super) fn confirm(web: &Web, request: &Request, name: &str, action: &str) -> Reply {
    let pages = Pages::for_request(web, request);
    let path = format!("{}/{action}", service_href(name));
    match pages.check_admin(&path) {
        Ok(_) if identity(web, name).is_some() => show_confirm(&pages, name, action, false),
        Ok(_) => pages.refuse(StatusCode::NOT_FOUND, pages.words.not_found_hint),
        Err(refusal) => refusal,
    }
}

/// What can be done to a service.
pub(super) const ACTIONS: [&str; 5] = ["edit", "pause", "resume", "rotate", "delete"];

/// Answers `POST /services/{name}/{action}`, for each of [`ACTIONS`].
pub(super) async fn act(web: Web, request: Request, name: String, action: &'static str) -> Reply {
    let pages = Pages::for_request(&web, &request);
    let session = match pages.check_admin_form(&request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let text = String::from_utf8_lossy(&request.body);
    let form = Query::new(&text);
    let is_sure = form.find("sure").is_some();
    let (Some(before), Ok(service)) = (identity(&web, &name), name.parse::<ServiceName>()) else {
        return pages.refuse(StatusCode::NOT_FOUND, pages.words.not_found_hint);
    };
    let subject = subject(&name, before.declared);
    let draft = Draft::read(form);
    let (edit, what) = match action {
        "pause" => (Edit::Pause(service), "paused"),
        "resume" => (Edit::Resume(service), "resumed"),
        "rotate" | "delete" if !is_sure => return show_confirm(&pages, &name, action, true),
        "delete" => (Edit::Delete { name: service, check: Box::new(|_| Ok(())) }, "deleted"),
        "rotate" => match Token::random() {
            Ok(token) => (Edit::RotateToken(service, token), "rotated"),
            Err(_) => return pages.refuse(StatusCode::SERVICE_UNAVAILABLE, pages.words.unavailable),
        },
        "edit" => match draft.wanted(pages.words) {
            Ok(wanted) => {
                // Only what the form shows is set: the token and what the file declares stay as they are.
                let change = move |now: &Identity| {
                    let (token, declared) = (now.token.clone(), now.declared);
                    Ok(Identity { name: wanted.name, overrides: wanted.overrides, token, declared })
                };
                (Edit::Update { name: service, change: Box::new(change) }, "updated")
            }
            Err(mistake) => return show_form(&pages, &subject, &draft, Some(mistake)),
        },
        _ => return pages.refuse(StatusCode::NOT_FOUND, pages.words.not_found_hint),
    };
    match carry_out(&web, edit, &session.name).await {
        Ok(edited) => done(edited, what),
        Err(refusal) => refused(&pages, &subject, &draft, refusal),
    }
}

/// Why an edit was not carried out.
enum Refused {
    Edit(EditError),
    Unavailable,
}

async fn carry_out(web: &Web, edit: Edit, by: &str) -> Result<Edited, Refused> {
    let by = by.to_owned();
    match web.inbox.ask(|reply| Command::Edit { edit: Box::new(edit), by, reply }).await {
        Ok(Ok(edited)) => Ok(edited),
        Ok(Err(error)) => Err(Refused::Edit(error)),
        Err(Unavailable) => Err(Refused::Unavailable),
    }
}

fn done(edited: Edited, what: &str) -> Reply {
    match edited {
        Edited::Service(row) => {
            let href = service_href(row.identity.name.as_str());
            let mark = if href.contains('?') { '&' } else { '?' };
            html::see_other(&format!("{href}{mark}done={what}"))
        }
        Edited::Deleted => html::see_other(&format!("/?done={what}")),
    }
}

fn refused(pages: &Pages<'_>, subject: &Subject, draft: &Draft, refusal: Refused) -> Reply {
    let words = pages.words;
    let (field, detail) = match refusal {
        Refused::Unavailable => {
            return pages.refuse(StatusCode::SERVICE_UNAVAILABLE, words.unavailable);
        }
        Refused::Edit(EditError::NotFound(_)) => {
            return pages.refuse(StatusCode::NOT_FOUND, words.service_gone);
        }
        Refused::Edit(EditError::NameTaken(_)) => ("name", words.name_taken.to_owned()),
        Refused::Edit(EditError::TokenTaken) => ("token", words.token_taken.to_owned()),
        Refused::Edit(EditError::Changed) => ("", words.changed_meanwhile.to_owned()),
        Refused::Edit(EditError::Wrong(error)) => (error.field, error.detail),
        Refused::Edit(error) => ("", error.to_string()),
    };
    show_form(pages, subject, draft, Some(Mistake { field, detail }))
}

fn subject(name: &str, is_declared: bool) -> Subject {
    Subject::Service { name: name.to_owned(), is_declared }
}

fn identity(web: &Web, name: &str) -> Option<std::sync::Arc<Identity>> {
    web.board.read(|view| view.row(name).map(|row| row.to_row().identity))
}

fn show_form(pages: &Pages<'_>, subject: &Subject, draft: &Draft, mistake: Option<Mistake>) -> Reply {
    let (words, web) = (pages.words, pages.web);
    let settings = web.settings.borrow().clone();
    let defaults = settings.defaults.with(&Overrides::default());
    let channels: Vec<String> = settings.channels.keys().map(ToString::to_string).collect();
    let (heading, action, back, is_declared) = match subject {
        Subject::New => (words.add.to_owned(), "/add".to_owned(), "/".to_owned(), false),
        Subject::Service { name, is_declared } => {
            let href = service_href(name);
            (format!("{}: {name}", words.edit), format!("{href}/edit"), href, *is_declared)
        }
    };
    let wrong = mistake.as_ref().map(|mistake| mistake.field);
    let is_new = matches!(subject, Subject::New);
    let page = FormPage {
        heading,
        is_declared,
        action,
        csrf: pages.session.as_ref().map_or("", |session| &session.csrf),
        inputs: draft.inputs(words, &defaults, is_new, wrong),
        groups: draft.groups(words, &defaults, &channels),
        back,
        shell: pages.shell(web.clock.now()),
        mistake: mistake.map(|mistake| match mistake.field {
            "" => mistake.detail,
            field => format!("{}: {}", words.field(field), mistake.detail),
        }),
    };
    let status = if page.mistake.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html::page(status, &page)
}

fn show_confirm(pages: &Pages<'_>, name: &str, action: &str, is_missing: bool) -> Reply {
    let words = pages.words;
    let (button, text) = match action {
        "delete" => (words.delete, words.delete_hint),
        _ => (words.rotate, words.rotate_hint),
    };
    let href = service_href(name);
    let worst = pages.web.board.read(|view| view.row(name).map_or(Status::New, |row| row.status));
    let page = ConfirmPage {
        heading: format!("{button}: {name}"),
        text,
        is_missing,
        action: format!("{href}/{action}"),
        button,
        csrf: pages.session.as_ref().map_or("", |session| &session.csrf),
        back: href,
        shell: Shell { worst: worst.as_str(), ..pages.shell(pages.web.clock.now()) },
    };
    let status = if is_missing { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html::page(status, &page)
}
