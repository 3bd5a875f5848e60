//! Places and ways back, as people type them.

use std::str::FromStr;
use std::time::Duration;

use protocol::name::{ClusterName, Label};

use crate::settings::duration;

/// One entry of a failover order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `local`: anywhere in this cluster.
    Local,
    /// `zone`: the caller's zone.
    Zone,
    /// `region`: the caller's region.
    Region,
    /// `peer:NAME`.
    Peer(ClusterName),
    /// `cloud:NAME`.
    Cloud(Label),
    /// `peer:west=80,cloud:gcp=20`.
    Weighted(Vec<(Self, u32)>),
}

/// A text that is no place.
#[derive(Debug, thiserror::Error)]
#[error(
    "{text:?} is not a place: {why} (write local, zone, region, peer:NAME, cloud:NAME, or peer:NAME=80,cloud:NAME=20)"
)]
pub(crate) struct NotAPlace {
    text: String,
    why: String,
}

impl Place {
    /// As an entry of a policy's `places`.
    pub(super) fn yaml(&self) -> String {
        match self {
            Self::Local => "{cluster: local}".to_owned(),
            Self::Zone => "{zone: same}".to_owned(),
            Self::Region => "{region: same}".to_owned(),
            Self::Peer(name) => format!("{{peer: {name}}}"),
            Self::Cloud(name) => format!("{{cloud: {name}}}"),
            Self::Weighted(parts) => {
                let part = |(place, weight): &(Self, u32)| {
                    format!("{}, weight: {weight}}}", place.yaml().trim_end_matches('}'))
                };
                format!(
                    "{{weighted: [{}]}}",
                    parts.iter().map(part).collect::<Vec<_>>().join(", ")
                )
            }
        }
    }

    fn single(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("peer", name)) => ClusterName::parse(name)
                .map(Self::Peer)
                .map_err(|error| error.to_string()),
            Some(("cloud", name)) => Label::parse(name)
                .map(Self::Cloud)
                .map_err(|error| error.to_string()),
            Some((kind, _)) => Err(format!("there is no kind of place called {kind}")),
            None => match text {
                "local" => Ok(Self::Local),
                "zone" => Ok(Self::Zone),
                "region" => Ok(Self::Region),
                _ => Err("no such place".to_owned()),
            },
        }
    }

    fn weighted(text: &str) -> Result<Self, String> {
        let part = |part: &str| {
            let (place, weight) = part.split_once('=').ok_or("each part needs a weight")?;
            let weight = weight
                .parse()
                .ok()
                .filter(|weight| (1..=1_000_000).contains(weight))
                .ok_or("a weight is a number from 1")?;
            Self::single(place).map(|place| (place, weight))
        };
        text.split(',')
            .map(part)
            .collect::<Result<_, String>>()
            .map(Self::Weighted)
    }
}

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let parsed = if text.contains('=') {
            Self::weighted(text)
        } else {
            Self::single(text)
        };
        parsed.map_err(|why| NotAPlace {
            text: text.chars().take(100).collect(),
            why,
        })
    }
}

/// `40%` or `40`.
pub(crate) fn percent(text: &str) -> Result<u8, String> {
    let digits = text.strip_suffix('%').unwrap_or(text);
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .parse()
        .ok()
        .filter(|percent| all_digits && *percent <= 100)
        .ok_or_else(|| format!("{text:?} is not a share (write 40%)"))
}

/// How traffic comes back: steps, and how long each lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failback {
    steps: Vec<u8>,
    every: Duration,
}

impl Failback {
    /// As a policy's `failback`.
    pub(super) fn yaml(&self) -> String {
        let steps = self
            .steps
            .iter()
            .map(|step| format!("{step}%"))
            .collect::<Vec<_>>()
            .join(", ");
        let millis = self.every.as_millis();
        let every = if millis.is_multiple_of(1_000) {
            format!("{}s", millis / 1_000)
        } else {
            format!("{millis}ms")
        };
        // Home must be well for as long as a step lasts before the first one begins.
        format!("{{hold: {every}, steps: [{steps}], every: {every}}}")
    }
}

/// A text that is no way back.
#[derive(Debug, thiserror::Error)]
#[error(
    "{text:?} is no way back: {why} (write 10,50,100/30s: shares in rising order, and how long each lasts)"
)]
pub(crate) struct NotAFailback {
    text: String,
    why: String,
}

impl FromStr for Failback {
    type Err = NotAFailback;

    fn from_str(text: &str) -> Result<Self, NotAFailback> {
        let refuse = |why: String| NotAFailback {
            text: text.chars().take(100).collect(),
            why,
        };
        let (steps, every) = text
            .split_once('/')
            .ok_or_else(|| refuse("there is no / in it".to_owned()))?;
        let every = duration::parse(every).map_err(|error| refuse(error.to_string()))?;
        let steps = steps
            .split(',')
            .map(percent)
            .collect::<Result<Vec<_>, _>>()
            .map_err(refuse)?;
        if steps.first() == Some(&0)
            || !steps.is_sorted_by(|a, b| a < b)
            || steps.last() != Some(&100)
        {
            return Err(refuse("the shares rise and end at 100".to_owned()));
        }
        Ok(Self { steps, every })
    }
}
