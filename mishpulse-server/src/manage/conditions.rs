//! ETags, and what a request demands of them (RFC 9110, sections 8.8.3 and 13.1).

use super::Manage;
use crate::engine::EditError;
use crate::http::{ADMIN_KEY, Request, header};
use crate::store::rows::Identity;

impl Manage {
    /// The ETag of a service: the same as long as its name, token and own settings are, whatever is heard of it. Strong.
    pub(super) fn etag(&self, identity: &Identity) -> String {
        let Identity { name, token, overrides, declared } = identity;
        let facts = serde_json::json!(["etag", name, token, overrides, declared]).to_string();
        // Signed, so that nobody can tell from it what it is made of: the token is for admins only.
        let Some((tag, _)) = self.web.keys.sign(ADMIN_KEY, &facts) else { return String::new() };
        let hex: String = tag.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
        format!("\"{hex}\"")
    }
}

/// As good as never the same for two states of a service.
const TAG_BYTES: usize = 16;

/// What a request demands of what it changes.
pub(super) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

enum Tags {
    Any,
    These(Vec<String>),
}

impl Conditions {
    /// The conditions of `request`; what cannot be understood matches nothing.
    pub(super) fn of(request: &Request) -> Self {
        let tags = |name| {
            let values =
                request.headers().get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
            let list = values.collect::<Vec<_>>().join(",");
            request.headers().contains_key(name).then(|| Tags::read(&list))
        };
        Self { if_match: tags(&header::IF_MATCH), if_none_match: tags(&header::IF_NONE_MATCH) }
    }

    /// Whether what has the ETag `current`, or is not there, is as it is demanded.
    ///
    /// # Errors
    /// [`EditError::Changed`] where it is not.
    pub(super) fn check(&self, current: Option<&str>) -> Result<(), EditError> {
        let is_matched = |tags: &Tags| match (tags, current) {
            (_, None) => false,
            (Tags::Any, Some(_)) => true,
            (Tags::These(tags), Some(current)) => tags.iter().any(|tag| tag == current),
        };
        let has_changed = self.if_match.as_ref().is_some_and(|tags| !is_matched(tags));
        let is_unwanted = self.if_none_match.as_ref().is_some_and(is_matched);
        if has_changed || is_unwanted { Err(EditError::Changed) } else { Ok(()) }
    }
}

impl Tags {
    /// Weak tags match nothing here: they do not say that the settings are the same.
    fn read(list: &str) -> Self {
        match list.trim() {
            "*" => Self::Any,
            list => Self::These(list.split(',').map(|tag| tag.trim().to_owned()).collect()),
        }
    }
}
