//! A power cut, on a real file system: what was answered is on the medium with `durability = "power"`.
//!
//! The data folder is on a file system of its own, in a file. What its kernel has not been told to write to the medium is not in
//! that file, so a copy of the file is what a power cut leaves. Needs root, for the mount.

mod harness;

use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Server, service};

/// An ext4 file system in a file; unmounted when it is dropped.
struct Medium {
    image: PathBuf,
    mounted_at: PathBuf,
}

impl Medium {
    fn make(folder: &Path) -> Self {
        let image = folder.join("medium");
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(64 * 1024 * 1024).unwrap();
        run("mkfs.ext4", &["-q", "-F", text(&image)]);
        Self::mount(image, folder.join("mounted"))
    }

    fn mount(image: PathBuf, mounted_at: PathBuf) -> Self {
        std::fs::create_dir_all(&mounted_at).unwrap();
        run("mount", &["-o", "loop", text(&image), text(&mounted_at)]);
        Self { image, mounted_at }
    }

    /// What there would be after a power cut at this moment, mounted beside it.
    fn cut(&self, folder: &Path, name: &str) -> Self {
        let image = folder.join(name);
        std::fs::copy(&self.image, &image).unwrap();
        Self::mount(image, folder.join(format!("{name}-mounted")))
    }

    fn data(&self) -> PathBuf {
        self.mounted_at.join("data")
    }
}

impl Drop for Medium {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l", text(&self.mounted_at)]).status();
    }
}

#[test]
fn what_was_answered_is_on_the_medium() {
    let kept = kept_after_cuts("power");
    assert_eq!(kept, CUTS, "each beat that was answered survives");
    println!("{CUTS} power cuts, each right after an answer: {kept} beats kept");
}

/// The other promise is weaker: this shows that the test above can tell them apart.
#[test]
fn what_was_answered_after_kill_9_only_is_lost_with_the_power() {
    let kept = kept_after_cuts("process");
    assert!(kept < CUTS, "{kept} of {CUTS} beats were on the medium without having been put there");
}

const CUTS: usize = 10;

/// Beats with a number, cuts the power right after each answer, and counts how often the number is there afterwards.
fn kept_after_cuts(durability: &str) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let medium = Medium::make(folder.path());
    let config = folder.path().join("mishpulse.toml");
    std::fs::write(
        &config,
        format!("listen = \"127.0.0.1:0\"\ndurability = \"{durability}\"\n{}", service("a", "5m")),
    )
    .unwrap();
    let start = |data: &Path| {
        Server::start_with(folder.path(), &["serve", "--config", text(&config), "--data-dir", text(data)])
    };
    let server = start(&medium.data());
    server.beat("token-a", "{}");
    let mut kept = 0;
    for number in 0..CUTS {
        let answer = server.beat("token-a", &format!("{{\"message\":\"beat {number}\"}}"));
        assert_eq!(answer.status, 200);
        let cut = medium.cut(folder.path(), &format!("cut-{number}"));
        let database = cut.data().join("mishpulse.db");
        let found =
            Command::new("sqlite3").arg(&database).arg("select message from heartbeats").output().unwrap();
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        kept += usize::from(found.trim() == format!("beat {number}"));
    }
    server.terminate();
    kept
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
