//! The data folder: whether the server can write there, and nobody else.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::finding::{Area, Finding};
use super::run::{broken, full};
use crate::store::StoreError;

const AREA: Area = Area::DataFolder;

/// Looks at the folder and the files in it; `lock` says whether a server is using it.
pub(super) fn look(folder: &Path, lock: Result<bool, StoreError>) -> Vec<Finding> {
    let metadata = match folder.metadata() {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            let what = format!("{} is no folder", full(folder));
            return vec![AREA.problem(what, "move it away, or name another folder in data_dir")];
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return vec![is_still_to_be_made(folder)],
        Err(error) => {
            let what = format!("{}: {error}", full(folder));
            return vec![AREA.problem(what, "run this as the user of the server, or as root")];
        }
    };
    let mut findings = vec![can_be_written(folder, &metadata)];
    findings.extend(is_open_to_others(folder, &metadata));
    findings.extend(files(folder, &metadata));
    findings.extend(kind_of_file_system(folder));
    findings.extend(room(folder));
    findings.extend(usage(folder, lock));
    findings
}

fn is_still_to_be_made(folder: &Path) -> Finding {
    let shown = full(folder);
    let parents = std::path::absolute(folder).unwrap_or_default();
    let parent = parents.ancestors().skip(1).find(|parent| parent.exists()).unwrap_or(Path::new("/"));
    match access(parent, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => AREA.warning(
            format!("{shown} is not there yet"),
            "the first start makes it; if there was one, name it with --data-dir or data_dir",
        ),
        Err(error) => AREA.problem(
            format!("{shown} is not there, and cannot be made in {}: {error}", parent.display()),
            "make it, owned by the user of the server, with mode 0700",
        ),
    }
}

fn can_be_written(folder: &Path, metadata: &Metadata) -> Finding {
    let shown = full(folder);
    let (owner, me) = (metadata.uid(), geteuid().as_raw());
    if let Err(error) = access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        let advice = if owner == me {
            format!("chmod 700 {shown}, unless its disk is read-only")
        } else {
            format!(
                "run this and the server as its owner, user {owner}, or give it away: chown -R {me} {shown}"
            )
        };
        return AREA.problem(format!("{shown} cannot be written by user {me}: {error}"), advice);
    }
    AREA.ok(format!("{shown} can be written (owner {owner}, mode {:04o})", metadata.mode() & 0o7777))
}

fn is_open_to_others(folder: &Path, metadata: &Metadata) -> Option<Finding> {
    let (shown, mode) = (full(folder), metadata.mode() & 0o7777);
    let advice = format!("chmod 700 {shown}");
    if mode & 0o022 != 0 {
        let what = format!("{shown} can be changed by other users (mode {mode:04o})");
        return Some(AREA.problem(what, advice));
    }
    let what = || format!("{shown} can be looked into by other users (mode {mode:04o})");
    (mode & 0o055 != 0).then(|| AREA.warning(what(), advice))
}

/// Every file of the server: for its owner's eyes only, who is that of the folder.
fn files(folder: &Path, metadata: &Metadata) -> Vec<Finding> {
    let mut ours: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("mishpulse.") || name.ends_with(".key")
        })
        .collect();
    ours.sort();
    let mut findings = Vec::new();
    for path in ours {
        let Ok(file) = path.metadata() else { continue };
        let (shown, mode) = (full(&path), file.mode() & 0o7777);
        if mode & 0o077 != 0 {
            let what = format!("{shown} is open to other users (mode {mode:04o}), and has secrets");
            findings.push(AREA.problem(what, format!("chmod 600 {shown}")));
        }
        if file.uid() != metadata.uid() {
            let (is, should) = (file.uid(), metadata.uid());
            let what = format!("{shown} belongs to user {is}, and its folder to user {should}");
            findings.push(AREA.problem(what, format!("chown {should} {shown}")));
        }
    }
    findings
}

/// SQLite's log is shared memory, and the lock is the system's own: neither works over a network.
fn kind_of_file_system(folder: &Path) -> Option<Finding> {
    let kind = rustix::fs::statfs(folder).ok()?.f_type as u64 & 0xffff_ffff;
    let shown = full(folder);
    match kind {
        0x6969 | 0x517b | 0xff53_4d42 | 0xfe53_4d42 | 0x0102_1997 => Some(AREA.problem(
            format!("{shown} is on a network file system, which SQLite cannot rely on"),
            "move the data folder to a disk of this machine",
        )),
        0x0102_1994 | 0x8584_58f6 => Some(AREA.warning(
            format!("{shown} is in memory, and gone when this machine restarts"),
            "move the data folder to a disk",
        )),
        0x794c_7630 => Some(AREA.warning(
            format!("{shown} is in a container's own layer, and gone when the container is replaced"),
            "mount a volume there",
        )),
        _ => None,
    }
}

fn room(folder: &Path) -> Option<Finding> {
    let system = rustix::fs::statvfs(folder).ok()?;
    let free = system.f_bavail.saturating_mul(system.f_frsize) / MIB;
    let what = format!("{free} MiB are free on its disk");
    let advice = "make room: a beat that cannot be stored is answered 503";
    Some(match (free, system.f_files, system.f_favail) {
        (..LITTLE_MIB, ..) => AREA.problem(what, advice),
        (_, 1.., 0) => AREA.problem("no more files can be made on its disk", advice),
        (..SOME_MIB, ..) => AREA.warning(what, advice),
        _ => AREA.ok(what),
    })
}

fn usage(folder: &Path, lock: Result<bool, StoreError>) -> Option<Finding> {
    match lock {
        Ok(true) => Some(AREA.ok(format!("a server runs on {}", full(folder)))),
        Ok(false) => None,
        Err(error) => {
            Some(broken(AREA, &error.to_string(), "run this as the user of the server, or as root"))
        }
    }
}

const MIB: u64 = 1024 * 1024;
const LITTLE_MIB: u64 = 16;
const SOME_MIB: u64 = 256;
