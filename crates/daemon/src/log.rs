//! The daemon's own log: lines on standard error.

use crate::options::Options;
use tracing::level_filters::LevelFilter;

/// Starts logging.
pub(crate) fn start(options: &Options) {
    let level = match options.log_level.as_deref() {
        _ if options.debug => LevelFilter::DEBUG,
        Some("trace") => LevelFilter::TRACE,
        Some("debug") => LevelFilter::DEBUG,
        Some("warn") => LevelFilter::WARN,
        Some("error" | "fatal") => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .finish();
    // Only the first subscriber of a process counts, and there is no other.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
