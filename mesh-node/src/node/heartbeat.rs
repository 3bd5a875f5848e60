//! What the controller hears of this node: what all shards together have to say.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use protocol::wire::v1;

/// One heartbeat out of each shard's.
pub(super) fn merged(each: impl IntoIterator<Item = v1::Heartbeat>) -> v1::Heartbeat {
    let mut tunnels: BTreeMap<String, v1::PeerTunnels> = BTreeMap::new();
    let mut failovers: BTreeMap<String, Vec<v1::FailoverState>> = BTreeMap::new();
    for heartbeat in each {
        for peer in heartbeat.tunnels {
            match tunnels.entry(peer.peer.clone()) {
                Entry::Vacant(entry) => _ = entry.insert(peer),
                Entry::Occupied(mut entry) => {
                    let all = entry.get_mut();
                    all.tunnels += peer.tunnels;
                    all.rtt_micros = all.rtt_micros.min(peer.rtt_micros);
                }
            }
        }
        for state in heartbeat.failovers {
            let of_service = failovers.entry(state.service.clone()).or_default();
            of_service.push(state);
        }
    }
    v1::Heartbeat {
        tunnels: tunnels.into_values().collect(),
        failovers: failovers.into_values().filter_map(standing).collect(),
    }
}

/// Shards choose places by what each has seen. The share is their mean; the place is that of the one that is farthest away.
fn standing(of_shards: Vec<v1::FailoverState>) -> Option<v1::FailoverState> {
    let count = of_shards.len() as f64;
    let share_away = of_shards.iter().map(|state| state.share_away).sum::<f64>() / count;
    let farthest = of_shards
        .into_iter()
        .max_by(|a, b| a.share_away.total_cmp(&b.share_away))?;
    Some(v1::FailoverState {
        share_away,
        ..farthest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heartbeat(tunnels: u32, rtt_micros: u64, place: &str, share_away: f64) -> v1::Heartbeat {
        v1::Heartbeat {
            tunnels: vec![v1::PeerTunnels {
                peer: "west".to_owned(),
                tunnels,
                rtt_micros,
            }],
            failovers: vec![v1::FailoverState {
                service: "shop/pay".to_owned(),
                place: place.to_owned(),
                share_away,
            }],
        }
    }

    #[test]
    fn one_shard_speaks_for_itself() {
        let only = heartbeat(3, 900, "west", 0.5);
        assert_eq!(merged([only.clone()]), only);
    }

    #[test]
    fn tunnels_add_up_and_shares_are_averaged() {
        let all = merged([
            heartbeat(3, 900, "local", 0.0),
            heartbeat(1, 700, "west", 1.0),
        ]);
        assert_eq!(all, heartbeat(4, 700, "west", 0.5));
        assert_eq!(merged([]), v1::Heartbeat::default());
    }
}
