//! What the system says of a process.

use std::fs;
use std::time::Duration;

use super::Result;

/// The CPU time that a process has used, to 10 ms.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    ticks(pid, 2)
}

/// That of it which its own code took, not the system's: sockets are not in it.
pub(crate) fn own_cpu(pid: u32) -> Result<Duration> {
    ticks(pid, 1)
}

fn ticks(pid: u32, fields_of_it: usize) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before the last bracket may hold anything; the state is the first field after it.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).ok_or("/proc is odd")?;
    let ticks: u64 = fields.skip(11).take(fields_of_it).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// The memory of a process that is in RAM, in bytes: now, and at most so far.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let bytes = |key: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    };
    match (bytes("VmRSS:"), bytes("VmHWM:")) {
        (Some(now), Some(peak)) => Ok(Memory { now, peak }),
        _ => Err(format!("/proc/{pid}/status says no memory").into()),
    }
}

/// Has the peak of a process's memory counted from now on.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// Bytes in RAM.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}
