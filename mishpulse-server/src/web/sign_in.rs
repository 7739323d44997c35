//! Signing in with a key, and out.

use askama::Template;

use super::Web;
use super::html;
use super::rows::query_part;
use super::session::is_from_here;
use super::shell::{Pages, Shell};
use crate::http::{Query, Reply, Request, StatusCode, header};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    shell: Shell<'a>,
    is_closed: bool,
    next: String,
    mistake: Option<&'static str>,
}

/// Sends the browser to the form, and then to `path`.
pub(super) fn ask(path: &str) -> Reply {
    html::see_other(&format!("/sign-in?next={}", query_part(path)))
}

/// Answers `GET /sign-in`.
pub(super) fn form(web: &Web, request: &Request) -> Reply {
    let next = request.query().find("next");
    show(web, request, StatusCode::OK, local(next.as_deref()), None)
}

/// Answers `POST /sign-in`.
pub(super) fn submit(web: &Web, request: &Request) -> Reply {
    let pages = Pages::for_request(web, request);
    if !is_from_here(request, &web.settings.borrow().public_url) {
        return pages.refuse(StatusCode::FORBIDDEN, pages.words.bad_form);
    }
    let text = String::from_utf8_lossy(&request.body);
    let form = Query::new(&text);
    let next = form.find("next");
    let key = form.find("key").unwrap_or_default();
    match web.sessions.begin(key.trim(), request.peer.ip(), web.is_https()) {
        Ok(cookie) => html::see_other(local(next.as_deref())).with_value(header::SET_COOKIE, &cookie),
        Err(refusal) if refusal.status() == StatusCode::TOO_MANY_REQUESTS => {
            let mistake = Some(pages.words.key_many);
            show(web, request, StatusCode::TOO_MANY_REQUESTS, local(next.as_deref()), mistake)
        }
        Err(refusal) if refusal.status() != StatusCode::UNAUTHORIZED => refusal,
        Err(_) => {
            let mistake = Some(pages.words.key_wrong);
            show(web, request, StatusCode::FORBIDDEN, local(next.as_deref()), mistake)
        }
    }
}

/// Answers `POST /sign-out`.
pub(super) fn out(web: &Web, request: &Request) -> Reply {
    let pages = Pages::for_request(web, request);
    match pages.check_form(request) {
        Ok(session) => {
            html::see_other("/").with_value(header::SET_COOKIE, &web.sessions.end(session, web.is_https()))
        }
        Err(refusal) => refusal,
    }
}

fn show(
    web: &Web,
    request: &Request,
    status: StatusCode,
    next: &str,
    mistake: Option<&'static str>,
) -> Reply {
    let pages = Pages::for_request(web, request);
    let page = SignInPage {
        is_closed: web.is_closed(),
        next: next.to_owned(),
        mistake,
        shell: pages.shell(web.clock.now()),
    };
    html::page(status, &page)
}

/// `next` where it is a path of this server, else the list: nobody is sent elsewhere from here.
fn local(next: Option<&str>) -> &str {
    let is_local = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    next.filter(is_local).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(local(Some("/services/a%20b?x=1")), "/services/a%20b?x=1");
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", "/\tevil", "", "evil"]
        {
            assert_eq!(local(Some(elsewhere)), "/", "{elsewhere}");
        }
        assert_eq!(local(None), "/");
    }
}
