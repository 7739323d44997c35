//! What a seed makes of the world: how long, how many, how quick, and with which configuration.

use std::sync::Arc;

use mishpulse_core::testing::Rng;
use mishpulse_core::{AlertKind, Span};
use mishpulse_server::Settings;
use mishpulse_server::config::{Environment, Overrides};

/// What holds for a whole run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The unit of all timeouts.
    pub unit_ms: u64,
    pub check_every_ms: u64,
    pub blind_after_ms: u64,
    /// How long there are faults.
    pub wild_ms: i64,
    /// How long there are none after that.
    pub quiet_ms: i64,
    /// Services that the file may declare, and those made through the API at first.
    pub declared: usize,
    pub made: usize,
    pub inbox: usize,
    pub batch: usize,
    pub history_ms: u64,
    pub expires_ms: u64,
    /// On average, between two faults.
    pub chaos_ms: u64,
    /// Fewer kinds of faults make for longer stories between them.
    pub has_crashes: bool,
    pub has_disk_faults: bool,
    pub has_wall_steps: bool,
    pub has_edits: bool,
    pub has_channel_faults: bool,
    /// All may be silent equally long, so that those who stop together die together.
    pub is_uniform: bool,
}

pub const CHANNELS: [&str; 3] = ["bot", "hook", "mail"];

impl Plan {
    /// The plan of a seed; `longer` times as long as usual.
    pub fn new(rng: &mut Rng, longer: u64) -> Self {
        let (unit_ms, check_every_ms, blind_after_ms, wild_mins, quiet_mins) = rng.pick(&[
            (1000, 1000, 2000, 10, 12),
            (4000, 1000, 10_000, 15, 12),
            (60_000, 5000, 10_000, 150, 20),
            (3_600_000, 60_000, 600_000, 3600, 180),
            (86_400_000, 60_000, 3_600_000, 7200, 180),
        ]);
        let crowd = match rng.below(100) {
            0..6 => 30 + rng.below(40),
            6..25 => 12 + rng.below(12),
            _ => 1 + rng.below(8),
        };
        Self {
            unit_ms,
            check_every_ms,
            blind_after_ms,
            // Many are looked at one by one each time.
            wild_ms: wild_mins * 60_000 * longer as i64 / if crowd >= 30 { 4 } else { 1 },
            quiet_ms: quiet_mins * 60_000,
            declared: rng.below(4) as usize,
            made: crowd as usize,
            inbox: rng.pick(&[4, 64, 4096]),
            batch: rng.pick(&[3, 1024, 1024]),
            history_ms: rng.pick(&[30_000, wild_mins as u64 * 10_000, 90 * 86_400_000]),
            expires_ms: rng.pick(&[300_000, 86_400_000]),
            chaos_ms: (wild_mins as u64 * 60_000) / (5 + rng.below(60)),
            has_crashes: rng.chance(70),
            has_disk_faults: rng.chance(70),
            has_wall_steps: rng.chance(50),
            has_edits: rng.chance(70),
            has_channel_faults: rng.chance(75),
            is_uniform: rng.chance(40),
        }
    }

    /// Whether the engine looks only a few thousand times.
    pub fn is_short(&self) -> bool {
        self.wild_ms / (self.check_every_ms as i64) < 3000
    }

    /// The configuration; `rng` decides what is other than usual, `None` gives all channels.
    pub fn settings(&self, rng: Option<&mut Rng>) -> Arc<Settings> {
        use std::fmt::Write as _;
        let mut usual = Rng::new(7);
        let is_usual = rng.is_none();
        let rng = rng.unwrap_or(&mut usual);
        let mut text = format!(
            "check_every = \"{}ms\"\nblind_after = \"{}ms\"\n[defaults]\ntimeout = \"{}ms\"\n",
            self.check_every_ms,
            self.blind_after_ms,
            self.unit_ms * if is_usual { 5 } else { rng.pick(&[3, 5, 5, 8]) }
        );
        if !is_usual && rng.chance(20) {
            text += "channels = [\"hook\"]\n";
        }
        for channel in CHANNELS {
            if is_usual || channel == "hook" || rng.chance(75) {
                let _ =
                    write!(text, "[channels.{channel}]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n");
            }
        }
        for number in 0..self.declared {
            if is_usual || rng.chance(75) {
                let timeout_ms = self.unit_ms * if is_usual { 4 } else { rng.pick(&[2, 4, 4]) };
                let _ = write!(
                    text,
                    "[[services]]\nname = \"declared {number}\"\ntoken = \"d{number}\"\ntimeout = \"{timeout_ms}ms\"\n"
                );
            }
        }
        let environment = Environment::from_iter(Vec::<(String, String)>::new());
        let mut settings = Settings::parse("sim.toml", &text, &environment).unwrap().settings;
        settings.limits.inbox = self.inbox;
        settings.limits.batch = self.batch;
        settings.history = Span::from_ms(self.history_ms);
        settings.delivery_expires = Span::from_ms(self.expires_ms);
        Arc::new(settings)
    }

    /// What a service sets itself.
    pub fn overrides(&self, rng: &mut Rng) -> Overrides {
        let unit = |count: u64| Some(Span::from_ms(self.unit_ms * count));
        Overrides {
            timeout: if rng.chance(60) && !self.is_uniform { unit(rng.pick(&[1, 2, 5, 10])) } else { None },
            grace: if rng.chance(30) && !self.is_uniform { unit(rng.pick(&[1, 2])) } else { None },
            channels: match rng.below(4) {
                0 => Some(vec!["hook".parse().unwrap()]),
                _ => None,
            },
            notify_on: match rng.below(6) {
                0 => Some(vec![AlertKind::Dead, AlertKind::Warning, AlertKind::Error, AlertKind::Recovered]),
                1 => Some(vec![AlertKind::Error, AlertKind::Recovered]),
                _ => None,
            },
            remind_every: if rng.chance(25) { unit(rng.pick(&[3, 20])) } else { None },
            error_cooldown: if rng.chance(50) { unit(rng.pick(&[2, 4])) } else { None },
            resume_on_beat: if rng.chance(20) { Some(false) } else { None },
            ..Overrides::default()
        }
    }
}
