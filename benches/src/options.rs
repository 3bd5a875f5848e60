//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use crate::wan::Plan;

/// The help text.
pub const HELP: &str = "\
cargo bench -p benches --bench mesh -- [OPTIONS]

  --only NAME     this workload (or all whose names begin so); may be given again
  --rounds N      rounds, interleaved (5)
  --seconds N     seconds of load a way and round (5)
  --short         one round of a fifth of a second and few connections: does it work? Says nothing of speed
  --gateway       also Weft through a gateway, between two federated clusters
  --write-docs    tables and plots into docs/, merged with what is there
  --json FILE     where the figures go (target/bench.json)
  --list          names of the workloads
";

/// Checked options.
#[derive(Debug, Clone)]
pub struct Options {
    /// Names, or their beginnings; all when there are none.
    pub only: Vec<String>,
    /// How many rounds.
    pub rounds: usize,
    /// How long a way is loaded in each.
    pub time: Duration,
    /// Whether to see only that it works.
    pub short: bool,
    /// Whether to go through a gateway as well.
    pub gateway: bool,
    /// Whether to write into `docs/`.
    pub write_docs: bool,
    /// Where figures go.
    pub json: Option<PathBuf>,
    /// Only name the workloads.
    pub list: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            only: Vec::new(),
            rounds: 5,
            time: Duration::from_secs(5),
            short: false,
            gateway: false,
            write_docs: false,
            json: None,
            list: false,
        }
    }
}

impl Options {
    /// One short round of each.
    pub fn short() -> Self {
        Self {
            rounds: 1,
            time: Duration::from_millis(200),
            short: true,
            ..Self::default()
        }
    }

    /// Reads the command line. `cargo bench` adds `--bench`, which says nothing.
    ///
    /// # Errors
    /// What isn't understood.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments
            .filter(|argument| argument != "--bench")
            .peekable();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let next = arguments.next();
                next.ok_or_else(|| format!("{argument} needs a value"))
            };
            let number = |text: String| {
                text.parse::<f64>()
                    .ok()
                    .filter(|number| *number > 0.0 && *number < 10_000.0)
                    .ok_or_else(|| format!("{text} is no number for {argument}"))
            };
            match argument.as_str() {
                "--only" => options.only.extend(value()?.split(',').map(str::to_owned)),
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "checked to be positive and small"
                )]
                "--rounds" => options.rounds = number(value()?)?.ceil() as usize,
                "--seconds" => options.time = Duration::from_secs_f64(number(value()?)?),
                "--short" => {
                    options = Self {
                        only: options.only,
                        json: options.json,
                        ..Self::short()
                    }
                }
                "--gateway" => options.gateway = true,
                "--write-docs" => options.write_docs = true,
                "--json" => options.json = Some(value()?.into()),
                "--list" => options.list = true,
                "--help" | "-h" => return Err(HELP.to_owned()),
                other => return Err(format!("{other}?\n{HELP}")),
            }
        }
        Ok(options)
    }

    /// The same for the long link, where a round takes longer to say something.
    pub fn wan(&self) -> Plan {
        let plan = Plan::default();
        if !self.short {
            return Plan {
                rounds: self.rounds.min(plan.rounds),
                ..plan
            };
        }
        Plan {
            rounds: 1,
            time: self.time,
            losses: vec![0.01],
            envoy: false,
            ..plan
        }
    }

    /// Whether a workload of this name is asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.starts_with(only.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_and_nonsense_is_refused() {
        let options = parse("--bench --only rate,tcp --rounds 3 --seconds 0.5").unwrap();
        assert_eq!((options.rounds, options.time.as_millis()), (3, 500));
        assert!(options.wants("rate-2000") && options.wants("tcp") && !options.wants("http1"));
        for wrong in ["--rounds", "--rounds 0", "--seconds x", "fast"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
