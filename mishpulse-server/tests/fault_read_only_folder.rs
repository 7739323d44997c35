//! A folder that cannot be written: the server says so, what to do, and ends.

mod harness;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use harness::Server;
use harness::faults::{does_not_start, is_root, mounting, words};

#[test]
fn it_says_what_to_do_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("mishpulse-data");
    Server::start(folder.path(), "").terminate();
    let before = fs::read(data.join("mishpulse.db")).unwrap();
    let shown = data.display();
    let read_only = mounting(&format!("mount --bind {shown} {shown}; mount -o remount,bind,ro {shown}"));
    let (code, said) = does_not_start(&words(&read_only), folder.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("mishpulse-data"), "{said}");
    assert!(said.contains("choose a folder that can be written with --data-dir"), "{said}");
    assert_eq!(fs::read(data.join("mishpulse.db")).unwrap(), before);
    fs::remove_dir_all(&data).unwrap();
    let shown = folder.path().display();
    let read_only =
        mounting(&format!("mount --bind {shown} {shown}; mount -o remount,bind,ro {shown}; cd {shown}"));
    let (code, said) = does_not_start(&words(&read_only), folder.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("choose a folder that can be written with --data-dir"), "{said}");
}

#[test]
fn a_folder_of_somebody_else_is_said_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().join("mishpulse-data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere.
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let (code, said) = does_not_start(if is_root() { &nobody } else { &[] }, folder.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("run it as the owner of that folder, or choose another with --data-dir"), "{said}");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
}
