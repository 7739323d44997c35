//! The database: whole, and of a version that is known.

use std::path::Path;

use indicatif::HumanBytes;
use mishpulse_core::Timestamp;

use super::finding::{Area, Finding};
use super::run::{broken, full};
use crate::store::{Inspection, StoreError};

const AREA: Area = Area::DataFolder;

/// Reads all of it and changes nothing; also says until when a server is known to have listened.
pub(super) fn look(folder: &Path, is_used: bool) -> (Finding, Option<Timestamp>) {
    match Inspection::of(folder, is_used) {
        Ok(Some(found)) => {
            let noun = if found.services == 1 { "service" } else { "services" };
            let what = format!(
                "mishpulse.db is whole: {} {noun}, {}, schema {}",
                found.services,
                HumanBytes(found.bytes),
                found.schema
            );
            (AREA.ok(what), found.seen)
        }
        Ok(None) => (AREA.ok(format!("there is no database in {} yet", full(folder))), None),
        Err(error) => (refusal(&error), None),
    }
}

fn refusal(error: &StoreError) -> Finding {
    match error {
        StoreError::Newer { .. } => broken(AREA, &error.to_string(), ""),
        StoreError::Corrupt(what) => AREA.problem(
            what.clone(),
            "stop the server, move mishpulse.db and the files beside it away, and bring a backup back: mishpulse restore FILE",
        ),
        other => broken(AREA, &other.to_string(), "run this as the user of the server, or as root"),
    }
}
