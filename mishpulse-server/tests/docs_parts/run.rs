//! Running what stands in a document, as its reader would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::markdown::{Block, blocks};
use super::outputs;

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Runs the blocks of `document`, a path from the root, and holds what it shows against what came.
///
/// A block of `sh` is run, one of `console` is run and shows what comes, one of `python` or `toml` is run or checked; one of
/// `json` or `text` right behind shows what came of it. A comment before a block says otherwise: `not run: why`, `exits 1`,
/// `stopped by hand`, `file: NAME` (the block is that file), `an example` (of what is shown only the names of fields count).
pub fn run(document: &str) {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let (folder, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let blocks = blocks(&text);
    let mut steps = Vec::new();
    let mut last_run = None;
    for block in &blocks {
        let step = Step::of(document, block, last_run);
        if matches!(step, Step::Run { .. }) {
            last_run = Some(steps.len());
        } else if !matches!(step, Step::Shown { .. }) {
            last_run = None;
        }
        steps.push(step);
    }
    for (number, step) in steps.iter().enumerate() {
        step.write(folder.path(), number);
    }
    let (current, complaint) = drive(folder.path(), work.path(), steps.len());
    let read = |name: String| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    if current != "done" {
        let number: usize = current.parse().unwrap_or_default();
        panic!(
            "{document}:{}: does not run:\n{}\n--- stdout\n{}\n--- stderr\n{}\n--- the server's log\n{}\n--- the driver\n{complaint}",
            blocks[number].line,
            blocks[number].text,
            read(format!("{number}.out")),
            read(format!("{number}.err")),
            read("log".to_owned())
        );
    }
    let work_shown = work.path().canonicalize().unwrap().display().to_string();
    for (number, (step, block)) in steps.iter().zip(&blocks).enumerate() {
        let Some((of, expected)) = step.shown(number) else { continue };
        let (out, err) = (read(format!("{of}.out")), read(format!("{of}.err")));
        let right = match block.language.as_str() {
            "json" => {
                let shown = serde_json::from_str(expected).unwrap_or_else(|error| {
                    panic!("{document}:{}: is no JSON: {error}", block.line);
                });
                let is_example =
                    block.remark.as_deref().is_some_and(|remark| remark.starts_with("an example"));
                outputs::last_json(&out)
                    .ok_or("no JSON came".to_owned())
                    .and_then(|came| outputs::json(&shown, &came, is_example, ""))
            }
            _ => outputs::text(expected, &out, &work_shown)
                .or_else(|why| outputs::text(expected, &err, &work_shown).map_err(|_| why)),
        };
        if let Err(why) = right {
            panic!(
                "{document}:{}: shows what does not come:\n{why}\n--- stdout\n{out}\n--- stderr\n{err}",
                block.line
            );
        }
    }
}

enum Step {
    Run { ending: &'static str, text: String, exit: Option<String>, name: Option<String>, expected: String },
    Shown { of: usize, expected: String },
    Nothing,
}

impl Step {
    fn of(document: &str, block: &Block, last_run: Option<usize>) -> Self {
        let remark = block.remark.as_deref().unwrap_or_default();
        let at = format!("{document}:{}", block.line);
        if let Some(why) = remark.strip_prefix("not run") {
            assert!(why.len() > 3, "{at}: say why it is not run");
            return Self::Nothing;
        }
        let exit = remark.strip_prefix("exits ").map(str::to_owned);
        let name = remark.strip_prefix("file: ").map(str::to_owned);
        let run = |ending, text| {
            let (exit, name) = (exit.clone(), name.clone());
            Self::Run { ending, text, exit, name, expected: String::new() }
        };
        match block.language.as_str() {
            "toml" if name.is_some() => run("toml", block.text.clone()),
            _ if name.is_some() => run("body", block.text.clone()),
            "sh" if remark == "stopped by hand" => run("wait", block.text.clone()),
            "sh" => run("sh", block.text.clone()),
            "python" => run("py", block.text.clone()),
            "toml" => run("toml", block.text.clone()),
            "console" => {
                let (commands, shown): (Vec<&str>, Vec<&str>) =
                    block.text.lines().partition(|line| line.starts_with("$ "));
                let commands: String = commands.iter().map(|line| format!("{}\n", &line[2..])).collect();
                let Self::Run { ending, text, exit, name, .. } = run("sh", commands) else { unreachable!() };
                Self::Run { ending, text, exit, name, expected: shown.join("\n") }
            }
            "json" | "text" => match last_run {
                Some(of) => Self::Shown { of, expected: block.text.clone() },
                None => Self::Nothing,
            },
            "" | "rust" | "nginx" | "caddyfile" | "ini" | "yaml" | "jinja" => Self::Nothing,
            other => panic!("{at}: nobody knows what to do with `{other}`"),
        }
    }

    /// Of which run something is shown, and what.
    fn shown(&self, number: usize) -> Option<(usize, &str)> {
        match self {
            Self::Shown { of, expected } => Some((*of, expected)),
            Self::Run { expected, .. } if !expected.is_empty() => Some((number, expected)),
            _ => None,
        }
    }

    fn write(&self, folder: &Path, number: usize) {
        let Self::Run { ending, text, exit, name, .. } = self else { return };
        let put =
            |ending: &str, text: &str| fs::write(folder.join(format!("{number}.{ending}")), text).unwrap();
        put(ending, text);
        if let Some(exit) = exit {
            put("exit", exit);
        }
        if let Some(name) = name {
            put("name", name);
            put("body", text);
        }
        if *ending == "toml" {
            put("env", &variables(text));
        }
    }
}

/// A value for each `${NAME}` in a configuration.
fn variables(text: &str) -> String {
    let names = text.split("${").skip(1).filter_map(|rest| rest.split('}').next());
    let value = |name: &str| match name.contains("SECRET") {
        true => "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
        false => "123456:ABC-def_1-0123456789",
    };
    names.map(|name| format!("{name}={}\n", value(name))).collect()
}

/// Runs the blocks in `folder`, and says how far it came, and what it complained of.
fn drive(folder: &Path, work: &Path, count: usize) -> (String, String) {
    let binaries = folder.join("bin");
    fs::create_dir(&binaries).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mishpulse"), binaries.join("mishpulse")).unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let driver = root().join("mishpulse-server/tests/docs_parts/driver.sh");
    let mut command = Command::new("unshare");
    command.args(["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.arg(driver).arg(folder).arg(count.to_string()).current_dir(work).env("PATH", path);
    for variable in std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("MISHPULSE_")) {
        command.env_remove(variable);
    }
    if let Ok(python) = std::env::var("MISHPULSE_TEST_PYTHON") {
        command.env("PYTHON", python);
    }
    let ended = command.output().expect("`unshare` of util-linux is needed");
    let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
    match fs::read_to_string(folder.join("current")) {
        Ok(current) => (current.trim().to_owned(), complaint),
        Err(_) => panic!("nothing was run: {complaint}"),
    }
}
