//! `GET /api/status` of everyone: what it costs, and whether beats have to wait for it.

use clap::Args;

use super::Result;
use super::client::{self, Prober};
use super::command::{Place, Promise};
use super::process;
use super::seed::Seeds;
use super::server::{self, Server};
use super::table::{head, megabytes, row, thousands};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// How many services there are.
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    sizes: Vec<u32>,
}

/// Measures and prints it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = server::folder(&options.place)?;
    let binary = server::binary(&options.place)?;
    println!(
        "Server CPU by service, over as many requests as make {} services; then {ASKED} more, with a beat each millisecond \
         beside. Growth is the peak of the memory in RAM over what it was before.\n",
        thousands(f64::from(SERVICES_MIN))
    );
    head(&[
        "services",
        "bytes",
        "bytes a service",
        "ns a service",
        "with the system's",
        "RSS MB before",
        "growth MB",
        "p99 ms of a beat meanwhile",
        "longest ms",
    ]);
    for services in &options.sizes {
        let data = tempfile::tempdir_in(&folder)?;
        Seeds::in_folder(&folder).plant(*services, data.path(), |_| Vec::new())?;
        let mut server = Server::start(&binary, data.path(), Promise::Process, "")?;
        server.first_beat(0)?;
        std::thread::sleep(std::time::Duration::from_secs(1));
        // What the start took for a moment is not what the list takes.
        process::forget_peak(server.pid())?;
        let memory = process::memory(server.pid())?.now;
        let asked = SERVICES_MIN.div_ceil(*services);
        let before = (process::cpu(server.pid())?, process::own_cpu(server.pid())?);
        let mut bytes = 0;
        for _ in 0..asked {
            bytes = fetch_all(&server, *services)?;
        }
        let spent = process::cpu(server.pid())? - before.0;
        let own = process::own_cpu(server.pid())? - before.1;
        let prober = Prober::start(server.address(), 0);
        for _ in 0..ASKED {
            fetch_all(&server, *services)?;
        }
        let beats = prober.finish()?;
        let peak = process::memory(server.pid())?.peak;
        server.stop()?;
        let (services, asked) = (f64::from(*services), f64::from(asked));
        row(&[
            thousands(services),
            thousands(bytes as f64),
            thousands(bytes as f64 / services),
            thousands(own.as_nanos() as f64 / asked / services),
            thousands(spent.as_nanos() as f64 / asked / services),
            megabytes(memory as f64),
            format!("{:.1}", peak.saturating_sub(memory) as f64 / 1e6),
            format!("{:.2}", beats.p99_ms),
            format!("{:.2}", beats.max_ms),
        ]);
    }
    Ok(())
}

const SERVICES_MIN: u32 = 5_000_000;
const ASKED: u32 = 5;

/// Reads it all and counts the services in it.
fn fetch_all(server: &Server, services: u32) -> Result<u64> {
    let mut brackets = 0;
    let bytes = client::fetch(server.address(), "/api/status", |bytes| {
        brackets += bytes.iter().filter(|byte| **byte == b'{').count();
    })?;
    match brackets == services as usize {
        true => Ok(bytes),
        false => Err(format!("{brackets} services instead of {services}").into()),
    }
}
