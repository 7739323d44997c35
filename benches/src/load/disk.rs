//! How long the disk takes, as every durable figure hangs on it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use super::Result;
use super::table::median;

/// The median of some appends of 100 bytes with an fdatasync each in `folder`, in milliseconds.
pub(crate) fn sync_ms(folder: &Path) -> Result<f64> {
    let path = folder.join("sync.probe");
    let mut file = File::create(&path)?;
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let started = Instant::now();
        file.write_all(&[b'x'; 100])?;
        file.sync_data()?;
        took.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    std::fs::remove_file(path)?;
    Ok(median(&took))
}

const SYNCS: usize = 100;
