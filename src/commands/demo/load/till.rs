//! gRPC as an application speaks it: a tonic channel to the explicit listener of each name.

use std::{
    collections::HashMap,
    fmt::Display,
    sync::{Mutex, PoisonError},
};

use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

use super::{Flow, Kind, Outcome};
use crate::commands::demo::till::{Receipt, Sale, till_client::TillClient};

/// Messages in each short stream.
const MESSAGES: u32 = 3;

/// A channel for each listener.
#[derive(Debug, Default)]
pub(in super::super) struct Tills(Mutex<HashMap<u16, Channel>>);

impl Tills {
    /// The till behind the listener at this port.
    pub(super) fn at(&self, port: u16) -> Result<TillClient<Channel>, String> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&port) {
            return Ok(TillClient::new(channel.clone()));
        }
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))
            .map_err(|error| error.to_string())?;
        let channel = endpoint.connect_lazy();
        channels.insert(port, channel.clone());
        Ok(TillClient::new(channel))
    }

    /// Makes a flow's call.
    pub(super) async fn call(&self, flow: &Flow, id: &str) -> Outcome {
        let mut till = match self.at(flow.door.port()) {
            Ok(till) => till,
            Err(why) => return Outcome::Failed(why),
        };
        let answered = match flow.kind {
            Kind::Charge | Kind::Get | Kind::Post => charge(&mut till, id).await,
            Kind::Statement => statement(&mut till, id).await,
            Kind::Deposit => deposit(&mut till, id).await,
            Kind::Converse => converse(&mut till, id).await,
        };
        match answered {
            Ok(Ok(receipt)) => Outcome::Served {
                cluster: receipt.cluster,
                instance: receipt.instance,
            },
            Ok(Err(why)) => Outcome::Failed(why),
            Err(status) => refused(&status),
        }
    }
}

/// A status is a refusal where the mesh or the application says no, and a failure where the call broke.
fn refused(status: &Status) -> Outcome {
    let words = format!("{:?} {}", status.code(), status.message());
    match status.code() {
        Code::PermissionDenied
        | Code::NotFound
        | Code::Unimplemented
        | Code::Unavailable
        | Code::ResourceExhausted => Outcome::Refused(words),
        _ => Outcome::Failed(words),
    }
}

/// The last receipt, or what was wrong with it; or the status.
type Answered = Result<Result<Receipt, String>, Status>;

async fn charge(till: &mut TillClient<Channel>, id: &str) -> Answered {
    let receipt = till.charge(sale(id)).await?.into_inner();
    Ok(if receipt.id == id {
        Ok(receipt)
    } else {
        Err(wrong(id, &receipt.id))
    })
}

async fn statement(till: &mut TillClient<Channel>, id: &str) -> Answered {
    let mut receipts = till.statement(sale(id)).await?.into_inner();
    let (mut last, mut count) = (Receipt::default(), 0);
    while let Some(receipt) = receipts.message().await? {
        if receipt.id != id || receipt.items != count {
            return Ok(Err(wrong(count, receipt.items)));
        }
        (last, count) = (receipt, count + 1);
    }
    Ok(if count == MESSAGES {
        Ok(last)
    } else {
        Err(wrong(MESSAGES, count))
    })
}

async fn deposit(till: &mut TillClient<Channel>, id: &str) -> Answered {
    let receipt = till
        .deposit(tokio_stream::iter(sales(id)))
        .await?
        .into_inner();
    Ok(if receipt.items == MESSAGES {
        Ok(receipt)
    } else {
        Err(wrong(MESSAGES, receipt.items))
    })
}

async fn converse(till: &mut TillClient<Channel>, id: &str) -> Answered {
    let mut receipts = till
        .converse(tokio_stream::iter(sales(id)))
        .await?
        .into_inner();
    let mut last = Err(wrong(MESSAGES, 0));
    for due in sales(id) {
        let Some(receipt) = receipts.message().await? else {
            return Ok(Err(wrong(due.id, "the end")));
        };
        if receipt.id != due.id {
            return Ok(Err(wrong(due.id, receipt.id)));
        }
        last = Ok(receipt);
    }
    match receipts.message().await? {
        None => Ok(last),
        Some(more) => Ok(Err(wrong("the end", more.id))),
    }
}

fn sale(id: &str) -> Sale {
    Sale {
        id: id.to_owned(),
        items: MESSAGES,
    }
}

fn sales(id: &str) -> Vec<Sale> {
    (0..MESSAGES)
        .map(|message| Sale {
            id: format!("{id}/{message}"),
            items: 1,
        })
        .collect()
}

fn wrong(wanted: impl Display, got: impl Display) -> String {
    format!("answer for {wanted} was {got}")
}
