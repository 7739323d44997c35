//! Checks a law over seeded traces.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mishpulse_core::testing::Trace;

/// Whether a trace keeps a law, or what is wrong.
pub(crate) type Verdict = Result<(), String>;

/// Checks `law` over the traces of many seeds: of all below `MISHPULSE_SEEDS` (default 100), or of `MISHPULSE_SEED` alone.
/// Where one breaks it, says which seed it was and the shortest trace that breaks it as well.
pub(crate) fn holds(law: impl Fn(&Trace) -> Verdict) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let seeds = match number("MISHPULSE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("MISHPULSE_SEEDS").unwrap_or(100),
    };
    for seed in seeds {
        let trace = Trace::generate(seed);
        if judge(&law, &trace).is_err() {
            let shortest = trace.shrink(|trace| judge(&law, trace).is_err());
            let error = judge(&law, &shortest).unwrap_err();
            panic!("{error}\n\nin the trace: {shortest}\nto see it again: MISHPULSE_SEED={seed}");
        }
    }
}

/// The verdict of `law`, for which a panic is an error like others.
fn judge(law: &impl Fn(&Trace) -> Verdict, trace: &Trace) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| law(trace))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
    })
}
