//! Logs and metrics, set up once for a process.

pub(crate) mod admin;
pub(crate) mod readiness;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Failure;
use crate::output;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The one set of buckets for times, from a tenth of a millisecond to ten seconds.
const SECONDS: [f64; 17] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 7.5, 10.0,
];

/// Sends logs to stderr, as `WEFT_LOG` or `RUST_LOG` filter them, else from `default` on.
pub(crate) fn logs(format: LogFormat, default: &str) -> Result<(), Failure> {
    let filter = match std::env::var("WEFT_LOG").or_else(|_| std::env::var("RUST_LOG")) {
        Ok(directives) if !directives.is_empty() => {
            EnvFilter::try_new(&directives).map_err(|error| {
                Failure::usage("the log filter (WEFT_LOG or RUST_LOG) makes no sense")
                    .because(error)
                    .hint("WEFT_LOG=info,weft=debug")
            })?
        }
        Ok(_) | Err(_) => EnvFilter::new(default),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output::colour_on_stderr());
    let set = match format {
        LogFormat::Text => builder.finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    };
    set.map_err(|error| Failure::new("logs were set up already").because(error))
}

/// Installs the recorder that every `metrics` macro of the process feeds.
pub(crate) fn metrics() -> Result<PrometheusHandle, Failure> {
    let broken =
        |error: &dyn std::error::Error| Failure::new("metrics can't be recorded").because(error);
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .map_err(|error| broken(&error))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| broken(&error))?;
    mesh_node::metrics::describe();
    federation::metrics::describe();
    metrics::describe_gauge!(BUILD_INFO, "What runs: always 1, the labels tell");
    metrics::gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// The version of the running binary.
const BUILD_INFO: &str = "weft_build_info";
