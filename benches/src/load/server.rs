//! The two servers: the real binary over a planted database, and the yardstick.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Result;
use super::command::{Place, Promise};
use super::fleet;
use super::seed::TIMEOUT;
use super::wire::{Answer, Reader, Request};

/// A server at work; it is killed with this.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// When it was executed.
    started: Instant,
}

impl Server {
    /// Starts the yardstick.
    pub(crate) fn echo() -> Result<Self> {
        let started = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .arg("echo")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().parse()?, started })
    }

    /// Executes `binary` over the data folder `data`, with `channels` in its configuration. It may not answer yet.
    pub(crate) fn start(binary: &Path, data: &Path, promise: Promise, channels: &str) -> Result<Self> {
        Self::start_with(binary, data, promise, TIMEOUT, channels)
    }

    /// The same, with services that may be silent for `timeout`.
    pub(crate) fn start_with(
        binary: &Path,
        data: &Path,
        promise: Promise,
        timeout: &str,
        channels: &str,
    ) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = data.join("mishpulse.toml");
        let text = format!(
            "listen = \"{address}\"\ndata_dir = {data:?}\ndurability = \"{}\"\nlog_level = \"warn\"\n\
             [defaults]\ntimeout = \"{timeout}\"\n{channels}",
            promise.word()
        );
        std::fs::write(&config, text)?;
        let started = Instant::now();
        let child = Command::new(binary)
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(data.join("log"))?)
            .spawn()?;
        Ok(Self { child, address, started })
    }

    /// Waits until a beat is answered; how long after the execution that was.
    pub(crate) fn first_beat(&mut self, number: u32) -> Result<Duration> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server has ended: {status}").into());
            }
            if beat_once(self.address, number).is_ok_and(|is_ok| is_ok) {
                return Ok(self.started.elapsed());
            }
            if self.started.elapsed() > Duration::from_secs(120) {
                return Err("the server does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it as an operator would.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, or nobody needs it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends one beat on a connection of its own; whether it was answered with 200.
pub(crate) fn beat_once(address: SocketAddr, number: u32) -> Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(Request::new(address).with(fleet::token(number)))?;
    let (mut buffer, mut filled) = ([0; 2048], 0);
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        filled += read;
        match Reader::default().read(&buffer[..filled]) {
            Answer::Whole { is_ok } => return Ok(is_ok),
            Answer::Partial if read > 0 => {}
            _ => return Err("the answer broke off".into()),
        }
    }
}

/// The server's binary, as `place` says, or the one that stands beside this program; under cargo it is built first.
pub(crate) fn binary(place: &Place) -> Result<PathBuf> {
    if let Some(binary) = &place.server {
        return match binary.exists() {
            true => Ok(binary.clone()),
            false => Err(format!("{} is not there", binary.display()).into()),
        };
    }
    if let Some(cargo) = std::env::var_os("CARGO") {
        eprintln!("building the server ...");
        let arguments = ["build", "--release", "--package", "mishpulse-server", "--bin", "mishpulse"];
        let status = Command::new(cargo).args(arguments).status()?;
        if !status.success() {
            return Err("the server could not be built".into());
        }
    }
    let beside = std::env::current_exe()?.with_file_name("mishpulse");
    match beside.exists() {
        true => Ok(beside),
        false => Err(format!(
            "{} is not there; build it with `cargo build --release -p mishpulse-server`, or name one with --server",
            beside.display()
        )
        .into()),
    }
}

/// The folder for databases, made where it is missing.
pub(crate) fn folder(place: &Place) -> Result<PathBuf> {
    let folder = match &place.dir {
        Some(folder) => folder.clone(),
        None => std::env::current_exe()?
            .parent()
            .and_then(Path::parent)
            .ok_or("this program is nowhere; name a folder with --dir")?
            .join("load"),
    };
    std::fs::create_dir_all(&folder)?;
    Ok(std::path::absolute(folder)?)
}

/// The folder for plots.
pub(crate) fn images(place: &Place) -> Result<PathBuf> {
    match &place.images {
        Some(images) => Ok(images.clone()),
        None => folder(place),
    }
}
