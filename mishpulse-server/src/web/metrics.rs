//! `GET /metrics`: what the server counts, as OpenMetrics text.
//!
//! The counting itself is in [`crate::metrics`], free of HTTP and of this format. Prometheus-client writes the text: names,
//! units and escapes are its affair.

use std::fmt;
use std::sync::Arc;

use mishpulse_core::{Status, Timestamp};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::{Web, is_ready};
use crate::engine::Summary;
use crate::http::{Method, Reply, Request, Router, StatusCode, header};
use crate::metrics::{Histogram, Metrics};
use crate::store::{History, StoreError};

/// Opens the read side of the store.
pub type OpenHistory = Arc<dyn Fn() -> Result<Box<dyn History>, StoreError> + Send + Sync>;

/// Adds `GET /metrics`, for whoever may see the status.
#[must_use]
pub fn metrics_route(router: Router, web: &Web, metrics: &Arc<Metrics>, history: OpenHistory) -> Router {
    let (web, metrics) = (web.clone(), Arc::clone(metrics));
    router.at(Method::GET, "/metrics", move |request| {
        answer(web.clone(), Arc::clone(&metrics), Arc::clone(&history), request)
    })
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The older name of what is, but for its last line, which is a comment there, the same text.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What `request` asks for.
fn media_type(request: &Request) -> &'static str {
    let accepts = request.header(header::ACCEPT).unwrap_or_default();
    if accepts.contains("application/openmetrics-text") { OPEN_METRICS } else { PROMETHEUS_TEXT }
}

async fn answer(web: Web, metrics: Arc<Metrics>, history: OpenHistory, request: Request) -> Reply {
    if let Err(refusal) = web.check_access(&request) {
        return refusal;
    }
    let media_type = media_type(&request);
    let oldest = tokio::task::spawn_blocking(move || history()?.oldest_pending());
    let oldest = match oldest.await {
        Ok(Ok(oldest)) => Oldest::Known(oldest),
        // The other figures are worth having all the more.
        Ok(Err(error)) => {
            tracing::warn!(%error, "the outbox cannot be read");
            Oldest::Unknown
        }
        Err(_) => Oldest::Unknown,
    };
    let scrape = Scrape {
        metrics,
        waiting: web.inbox.depth(),
        summary: web.board.read(|view| view.summary()),
        oldest,
        is_ready: is_ready(&web).is_ok(),
        now: web.clock.now(),
    };
    let mut registry = Registry::with_prefix("mishpulse");
    registry.register_collector(Box::new(scrape));
    let mut page = String::new();
    match text::encode(&mut page, &registry) {
        Ok(()) => Reply::text(StatusCode::OK, media_type, page),
        Err(fmt::Error) => Reply::problem(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written"),
    }
}

/// All that one answer shows.
#[derive(Debug)]
struct Scrape {
    metrics: Arc<Metrics>,
    /// Commands in the inbox.
    waiting: usize,
    summary: Summary,
    oldest: Oldest,
    is_ready: bool,
    now: Timestamp,
}

/// When the oldest letter that is still to be delivered was written.
#[derive(Debug, Clone, Copy)]
enum Oldest {
    Known(Option<Timestamp>),
    Unknown,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let to = &mut encoder;
        self.beats(to)?;
        self.services(to)?;
        self.deliveries(to)?;
        let Metrics { commit_us, batch_commands, commit_failures, longest_turn_us, .. } = &*self.metrics;
        let help = "How long a commit took";
        histogram(to, "commit_duration", help, Some(&Unit::Seconds), commit_us, 1e6)?;
        let help = "How many commands shared a commit, where there were any";
        histogram(to, "batch_commands", help, None, batch_commands, 1.0)?;
        let help = "Commits that failed";
        counter(to, "commit_failures", help, commit_failures.count())?;
        gauge(to, "inbox_depth", "Commands that wait for the engine", None, self.waiting as f64)?;
        let help = "The longest that the engine attended to nothing that came in, since the start";
        let seconds = longest_turn_us.number() as f64 / 1e6;
        gauge(to, "longest_turn", help, Some(&Unit::Seconds), seconds)?;
        let help = "Whether the store takes writes and the watchdog looks on time, as /readyz says";
        gauge(to, "ready", help, None, f64::from(u8::from(self.is_ready)))?;
        let mut build = to.encode_descriptor("build", "What runs here", None, MetricType::Info)?;
        build.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

impl Scrape {
    fn beats(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let beats = &self.metrics.beats;
        let help = "Heartbeats that came in, by what became of them";
        let mut family = to.encode_descriptor("beats", help, None, MetricType::Counter)?;
        for (result, counter) in [
            ("stored", &beats.stored),
            ("unknown_token", &beats.unknown_token),
            ("malformed", &beats.malformed),
            ("unavailable", &beats.unavailable),
        ] {
            ConstCounter::new(counter.count()).encode(family.encode_family(&[("result", result)])?)?;
        }
        Ok(())
    }

    fn services(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut family =
            to.encode_descriptor("services", "Services, by their status", None, MetricType::Gauge)?;
        for status in Status::ALL {
            let services = self.summary.of(status) as u64;
            ConstGauge::new(services).encode(family.encode_family(&[("status", status.as_str())])?)?;
        }
        Ok(())
    }

    fn deliveries(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Tries to deliver an alert, by channel and by how they ended";
        let mut family = to.encode_descriptor("deliveries", help, None, MetricType::Counter)?;
        for (channel, tries) in self.metrics.deliveries() {
            for (result, count) in
                [("sent", tries.sent), ("retried", tries.retried), ("failed", tries.failed)]
            {
                let labels = [("channel", channel.as_str()), ("result", result)];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        let Oldest::Known(oldest) = self.oldest else { return Ok(()) };
        let age = oldest.map_or(0.0, |at| self.now.since(at).as_ms() as f64 / 1000.0);
        let help = "Age of the oldest alert that is still to be delivered, 0 where there is none";
        gauge(to, "oldest_undelivered", help, Some(&Unit::Seconds), age)
    }
}

fn counter(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, count: u64) -> fmt::Result {
    ConstCounter::new(count).encode(to.encode_descriptor(name, help, None, MetricType::Counter)?)
}

fn gauge(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    number: f64,
) -> fmt::Result {
    ConstGauge::new(number).encode(to.encode_descriptor(name, help, unit, MetricType::Gauge)?)
}

/// `unit_is` says how many of what was counted in make one unit of the metric.
fn histogram(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    histogram: &Histogram,
    unit_is: f64,
) -> fmt::Result {
    let in_unit = |bound: Option<u64>| bound.map_or(f64::INFINITY, |bound| bound as f64 / unit_is);
    let buckets: Vec<(f64, u64)> =
        histogram.buckets().map(|(bound, count)| (in_unit(bound), count)).collect();
    let count = buckets.iter().map(|(_, count)| count).sum();
    let mut encoder = to.encode_descriptor(name, help, unit, MetricType::Histogram)?;
    encoder.encode_histogram::<NoLabelSet>(histogram.sum() as f64 / unit_is, count, &buckets, None)
}
