//! Workloads, their ports and their health.

use std::time::Duration;

use super::{InvalidMessage, failover::millis, field, v1};
use crate::view::{HealthCheck, Listener, ServicePort, Workload};

impl From<&Workload> for v1::Workload {
    fn from(workload: &Workload) -> Self {
        Self {
            namespace: workload.namespace.to_string(),
            name: workload.name.to_string(),
            service_account: workload.service_account.to_string(),
            serves: field::messages(&workload.serves),
            health: Some((&workload.health).into()),
            listeners: field::messages(&workload.listeners),
            proxy_port: workload.proxy_port.map_or(0, u32::from),
            uses: field::messages(&workload.uses),
        }
    }
}

impl TryFrom<v1::Workload> for Workload {
    type Error = InvalidMessage;
    fn try_from(message: v1::Workload) -> Result<Self, InvalidMessage> {
        let proxy_port = match message.proxy_port {
            0 => None,
            number => Some(port("proxy_port", number)?),
        };
        Ok(Self {
            namespace: field::parse("namespace", &message.namespace)?,
            name: field::parse("name", &message.name)?,
            service_account: field::parse("service_account", &message.service_account)?,
            serves: field::each("serves", message.serves)?,
            health: message.health.map_or_else(
                || Ok(Default::default()),
                |h| field::nested("health", Some(h)),
            )?,
            listeners: field::each("listeners", message.listeners)?,
            proxy_port,
            uses: field::each("uses", message.uses)?,
        })
    }
}

fn port(field: &str, number: u32) -> Result<u16, InvalidMessage> {
    let port = u16::try_from(number).ok().filter(|&port| port > 0);
    port.ok_or_else(|| InvalidMessage::new(field, format!("{number} is not a port")))
}

impl From<&ServicePort> for v1::ServicePort {
    fn from(serves: &ServicePort) -> Self {
        Self {
            service: Some((&serves.service).into()),
            port: serves.port.into(),
            protocol: serves.protocol.to_string(),
        }
    }
}

impl TryFrom<v1::ServicePort> for ServicePort {
    type Error = InvalidMessage;
    fn try_from(message: v1::ServicePort) -> Result<Self, InvalidMessage> {
        Ok(Self {
            service: field::nested("service", message.service)?,
            port: port("port", message.port)?,
            protocol: field::parse("protocol", &message.protocol)?,
        })
    }
}

impl From<&HealthCheck> for v1::HealthCheck {
    fn from(health: &HealthCheck) -> Self {
        Self {
            http_path: health.http_path.clone().unwrap_or_default(),
            every_millis: u32::try_from(millis(health.every)).unwrap_or(u32::MAX),
            healthy_after: health.healthy_after,
            unhealthy_after: health.unhealthy_after,
        }
    }
}

impl TryFrom<v1::HealthCheck> for HealthCheck {
    type Error = InvalidMessage;
    fn try_from(message: v1::HealthCheck) -> Result<Self, InvalidMessage> {
        let counts = [
            ("every_millis", message.every_millis),
            ("healthy_after", message.healthy_after),
            ("unhealthy_after", message.unhealthy_after),
        ];
        if let Some((field, _)) = counts.into_iter().find(|&(_, count)| count == 0) {
            return Err(InvalidMessage::new(field, "it is 0"));
        }
        Ok(Self {
            http_path: (!message.http_path.is_empty()).then_some(message.http_path),
            every: Duration::from_millis(message.every_millis.into()),
            healthy_after: message.healthy_after,
            unhealthy_after: message.unhealthy_after,
        })
    }
}

impl From<&Listener> for v1::Listener {
    fn from(listener: &Listener) -> Self {
        Self {
            port: listener.port.into(),
            host: listener.host.to_string(),
        }
    }
}

impl TryFrom<v1::Listener> for Listener {
    type Error = InvalidMessage;
    fn try_from(message: v1::Listener) -> Result<Self, InvalidMessage> {
        Ok(Self {
            port: port("port", message.port)?,
            host: field::parse("host", &message.host)?,
        })
    }
}
