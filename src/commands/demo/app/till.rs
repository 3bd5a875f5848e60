//! The gRPC till on tonic: all four kinds of call, each message recorded before it is answered.

use std::{pin::Pin, sync::Arc};

use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};

use super::Instance;
use crate::commands::demo::{
    till::{
        Receipt, Sale,
        till_server::{Till, TillServer},
    },
    trouble::DemoError,
};

/// Serves connections until the process is killed.
pub(super) async fn serve(listener: TcpListener, instance: Arc<Instance>) -> Result<(), DemoError> {
    Server::builder()
        .add_service(TillServer::from_arc(instance))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await
        .map_err(|error| DemoError::Failed(format!("the till stopped: {error}")))
}

type Receipts = Pin<Box<dyn Stream<Item = Result<Receipt, Status>> + Send>>;

#[tonic::async_trait]
impl Till for Instance {
    type StatementStream = Receipts;
    type ConverseStream = Receipts;

    async fn charge(&self, request: Request<Sale>) -> Result<Response<Receipt>, Status> {
        self.receipt(request.into_inner()).map(Response::new)
    }

    async fn statement(&self, request: Request<Sale>) -> Result<Response<Receipts>, Status> {
        let receipt = self.receipt(request.into_inner())?;
        let lines = (0..receipt.items).map(move |item| {
            Ok(Receipt {
                items: item,
                ..receipt.clone()
            })
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(lines))))
    }

    async fn deposit(
        &self,
        request: Request<Streaming<Sale>>,
    ) -> Result<Response<Receipt>, Status> {
        let mut sales = request.into_inner();
        let mut last = Receipt::default();
        let mut count = 0;
        while let Some(sale) = sales.message().await? {
            last = self.receipt(sale)?;
            count += 1;
        }
        Ok(Response::new(Receipt {
            items: count,
            ..last
        }))
    }

    async fn converse(
        &self,
        request: Request<Streaming<Sale>>,
    ) -> Result<Response<Receipts>, Status> {
        let (answers, receipts) = mpsc::channel(16);
        tokio::spawn(converse(self.speaker()?, request.into_inner(), answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(receipts))))
    }
}

impl Instance {
    /// Notes the sale, then vouches for it.
    fn receipt(&self, sale: Sale) -> Result<Receipt, Status> {
        self.records
            .note(&sale.id)
            .map_err(|error| Status::internal(format!("no record: {error}")))?;
        Ok(Receipt {
            id: sale.id,
            cluster: self.cluster.clone(),
            instance: self.name.clone(),
            items: sale.items,
        })
    }

    /// The same instance for a task of its own.
    fn speaker(&self) -> Result<Self, Status> {
        let records = self
            .records
            .again()
            .map_err(|error| Status::internal(format!("no record: {error}")))?;
        Ok(Self {
            cluster: self.cluster.clone(),
            name: self.name.clone(),
            records,
        })
    }
}

/// Answers each sale until the caller has said all, or is gone.
async fn converse(
    instance: Instance,
    mut sales: Streaming<Sale>,
    answers: mpsc::Sender<Result<Receipt, Status>>,
) {
    loop {
        let answer = match sales.message().await {
            Ok(Some(sale)) => instance.receipt(sale),
            Ok(None) => return,
            Err(status) => Err(status),
        };
        let over = answer.is_err();
        if answers.send(answer).await.is_err() || over {
            return;
        }
    }
}
