//! From what the engine refuses to the answer that says so.

use super::Manage;
use super::call::not_found;
use crate::engine::{Command, Edit, EditError, Edited, Row, Unavailable};
use crate::http::{Reply, StatusCode, header};

/// Why an edit was not carried out.
pub(super) enum Refusal {
    /// It cannot be.
    Edit(EditError),
    /// Not now.
    Unavailable,
}

impl Manage {
    /// Has `edit` carried out in the name of the key `by`.
    pub(super) async fn edit(&self, edit: Edit, by: &str) -> Result<Edited, Refusal> {
        let by = by.to_owned();
        let edited = self.web.inbox.ask(|reply| Command::Edit { edit: Box::new(edit), by, reply }).await;
        edited.map_err(|Unavailable| Refusal::Unavailable)?.map_err(Refusal::Edit)
    }
}

/// The service after an edit.
pub(super) fn service_of(edited: Edited) -> Result<Row, Reply> {
    match edited {
        Edited::Service(row) => Ok(*row),
        Edited::Deleted => {
            let detail = "the service was changed, and then deleted by another request";
            Err(Reply::problem(StatusCode::NOT_FOUND, detail))
        }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let error = match refusal {
            Refusal::Edit(error) => error,
            Refusal::Unavailable => return unavailable(&Unavailable.to_string()),
        };
        let detail = error.to_string();
        match error {
            EditError::NotFound(name) => not_found(name.as_str()),
            EditError::NameTaken(_) | EditError::NameDeclared(_) => {
                Self::problem_with(StatusCode::CONFLICT, "name", &detail)
            }
            EditError::TokenTaken | EditError::TokenOf { .. } | EditError::TokenDeclared(_) => {
                Self::problem_with(StatusCode::CONFLICT, "token", &detail)
            }
            EditError::Wrong(wrong) => {
                Self::problem_with(StatusCode::UNPROCESSABLE_ENTITY, wrong.field, &wrong.detail)
            }
            EditError::Changed => Self::problem(StatusCode::PRECONDITION_FAILED, &detail),
            EditError::TooMany(_) => Self::problem(StatusCode::CONFLICT, &detail),
        }
    }
}

/// It may work in a moment.
pub(super) fn unavailable(detail: &str) -> Reply {
    Reply::problem(StatusCode::SERVICE_UNAVAILABLE, detail).with(header::RETRY_AFTER, "1")
}
