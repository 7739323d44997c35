//! The ways to tell people, each looked at without sending anything.

use std::thread;
use std::time::Duration;

use super::finding::{Area, Finding};
use crate::config::{ChannelSettings, SelfHeartbeat, Settings};
use crate::notify::{Refusal, Seen, probe, probe_url};

const AREA: Area = Area::Channels;

/// Looks at all of them at once.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    thread::scope(|scope| {
        let looks: Vec<_> = (settings.channels.iter())
            .map(|(name, channel)| scope.spawn(move || one(name.as_str(), channel)))
            .collect();
        let own = settings.self_heartbeat.as_ref().map(|own| scope.spawn(move || own_heartbeat(own)));
        looks.into_iter().chain(own).filter_map(|look| look.join().ok()).flatten().collect()
    })
}

fn one(name: &str, channel: &ChannelSettings) -> Vec<Finding> {
    findings(
        name,
        probe(channel, PATIENCE),
        &format!("mend [channels.{name}], then try: mishpulse channel test {name}"),
    )
}

/// Who hears that this server is well is no channel, but is reached as one.
fn own_heartbeat(own: &SelfHeartbeat) -> Vec<Finding> {
    findings("self_heartbeat", probe_url(own.url.reveal(), true, PATIENCE), "mend url in [self_heartbeat]")
}

fn findings(name: &str, seen: Result<Seen, Refusal>, mend: &str) -> Vec<Finding> {
    match seen {
        Ok(Seen { what, concern }) => {
            let concern = concern.map(|concern| AREA.warning(format!("{name}: {concern}"), mend));
            [AREA.ok(format!("{name}: {what}"))].into_iter().chain(concern).collect()
        }
        Err(Refusal::Final { why }) => vec![AREA.problem(format!("{name}: {why}"), mend)],
        Err(Refusal::Later { why, .. }) => {
            let advice = format!("if it is to be there: check network and firewall; else {mend}");
            vec![AREA.problem(format!("{name}: {why}"), advice)]
        }
    }
}

/// A channel that takes longer is no way to tell people.
const PATIENCE: Duration = Duration::from_secs(10);
