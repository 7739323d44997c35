//! Style, script and signs, from within the program: nothing is fetched from anywhere else, and nothing is built.

use std::sync::LazyLock;

use mishpulse_core::Status;
use sha2::{Digest, Sha256};

use super::badge::colour;
use crate::http::{Reply, Request, StatusCode, header};

/// A file of the page, under a name that changes with what is in it, so that browsers may keep it for good.
struct Asset {
    href: String,
    media_type: &'static str,
    text: &'static str,
}

/// Where the style is.
pub(super) fn style() -> &'static str {
    &STYLE.href
}

/// Where the script is.
pub(super) fn script() -> &'static str {
    &SCRIPT.href
}

/// Answers `GET /assets/{file}`.
pub(super) fn answer(request: &Request) -> Reply {
    let file = request.param(0).unwrap_or_default();
    let found = [&*STYLE, &*SCRIPT].into_iter().find(|asset| asset.href.strip_prefix(FOLDER) == Some(&*file));
    match found {
        Some(asset) => Reply::text(StatusCode::OK, asset.media_type, asset.text)
            .with(header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        None => Reply::problem(StatusCode::NOT_FOUND, "this file is of another version; load the page again"),
    }
}

/// Answers `GET /favicon.svg?s=<status>`: the pulse in the colour of the worst status.
pub(super) fn favicon(request: &Request) -> Reply {
    let status = request.query().find("s").and_then(|word| word.parse().ok()).unwrap_or(Status::New);
    let colour = colour(status);
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" rx=\"8\" \
         fill=\"{colour}\"/><path d=\"M3 17h6l3-8 6 15 4-11 2 4h5\" fill=\"none\" stroke=\"#fff\" stroke-width=\"3\" \
         stroke-linecap=\"round\" stroke-linejoin=\"round\"/></svg>"
    );
    Reply::text(StatusCode::OK, "image/svg+xml", svg).with(header::CACHE_CONTROL, "public, max-age=86400")
}

const FOLDER: &str = "/assets/";

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    asset("page", "css", "text/css; charset=utf-8", include_str!("../../assets/page/page.css"))
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    asset("page", "js", "text/javascript; charset=utf-8", include_str!("../../assets/page/page.js"))
});

fn asset(name: &str, ending: &str, media_type: &'static str, text: &'static str) -> Asset {
    let hash = Sha256::digest(text.as_bytes());
    let hash: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Asset { href: format!("{FOLDER}{name}-{hash}.{ending}"), media_type, text }
}
