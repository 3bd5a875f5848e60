//! One tunnel of the simulation: quinn's own state machine at both ends, so pacing, acknowledgements and loss detection are real.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use quinn_proto::congestion::ControllerFactory;
use quinn_proto::{
    AckFrequencyConfig, ClientConfig, Connection, ConnectionHandle, DatagramEvent, Dir,
    EcnCodepoint, Endpoint, EndpointConfig, Event, ServerConfig, StreamId, TransportConfig,
};

use super::clear::Clear;

/// What the client sends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Load {
    /// As much as goes.
    Bulk,
    /// So many bytes at once, once in a while.
    Bursts(u64, Duration),
    /// Nothing.
    Quiet,
}

/// One end.
struct End {
    endpoint: Endpoint,
    connection: Option<(ConnectionHandle, Connection)>,
}

/// A packet on its way out.
pub(super) struct Packet {
    pub(super) data: Vec<u8>,
    pub(super) ecn: Option<EcnCodepoint>,
}

/// Both ends and what the application at each has seen.
pub(super) struct Flow {
    ends: [End; 2],
    stream: Option<StreamId>,
    pub(super) load: Load,
    /// Bytes that the application has still to write, when it isn't [`Load::Bulk`].
    owed: u64,
    written: u64,
    pub(super) received: u64,
    /// When each burst began, and the byte it ends with.
    bursts: VecDeque<(Duration, u64)>,
    /// How long the bursts took.
    pub(super) took: Vec<(Duration, Duration)>,
    pub(super) offered: u64,
    pub(super) overflowed: u64,
    pub(super) policed: u64,
    pub(super) lost: u64,
}

pub(super) const CLIENT: usize = 0;
pub(super) const SERVER: usize = 1;

fn address(end: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1 + end as u8], 4433))
}

fn transport(controller: Arc<dyn ControllerFactory + Send + Sync>) -> Arc<TransportConfig> {
    let mut acknowledgements = AckFrequencyConfig::default();
    acknowledgements
        .ack_eliciting_threshold(10u32.into())
        .reordering_threshold(3u32.into());
    let mut config = TransportConfig::default();
    config
        .congestion_controller_factory(controller)
        .receive_window((64u32 << 20).into())
        .stream_receive_window((64u32 << 20).into())
        .send_window(64 << 20)
        .initial_rtt(Duration::from_millis(50))
        .ack_frequency_config(Some(acknowledgements));
    Arc::new(config)
}

impl Flow {
    pub(super) fn new(
        now: Instant,
        controller: Arc<dyn ControllerFactory + Send + Sync>,
        load: Load,
        seed: u8,
    ) -> Self {
        let transport = transport(controller);
        let mut config = EndpointConfig::new(Arc::new(Clear));
        config.rng_seed(Some([seed; 32]));
        let config = Arc::new(config);
        let mut server = ServerConfig::new(Arc::new(Clear), Arc::new(Clear));
        server.transport_config(Arc::clone(&transport));
        let mut client = ClientConfig::new(Arc::new(Clear));
        client.transport_config(transport);
        let mut dialing = Endpoint::new(Arc::clone(&config), None, true, None);
        let connection = dialing
            .connect(now, client, address(SERVER), "flow")
            .unwrap();
        let accepting = Endpoint::new(config, Some(Arc::new(server)), true, None);
        Self {
            ends: [
                End {
                    endpoint: dialing,
                    connection: Some(connection),
                },
                End {
                    endpoint: accepting,
                    connection: None,
                },
            ],
            stream: None,
            load,
            owed: 0,
            written: 0,
            received: 0,
            bursts: VecDeque::new(),
            took: Vec::new(),
            offered: 0,
            overflowed: 0,
            policed: 0,
            lost: 0,
        }
    }

    /// The application has another burst.
    pub(super) fn burst(&mut self, since: Duration) {
        if let Load::Bursts(bytes, _) = self.load {
            self.owed += bytes;
            self.bursts.push_back((since, self.written + self.owed));
        }
    }

    /// A packet arrives at an end; the answers that the endpoint itself gives are never needed here.
    pub(super) fn arrive(&mut self, now: Instant, end: usize, packet: &Packet) {
        let data = BytesMut::from(&packet.data[..]);
        let mut buffer = Vec::new();
        let it = &mut self.ends[end];
        let event = it
            .endpoint
            .handle(now, address(1 - end), None, packet.ecn, data, &mut buffer);
        match event {
            Some(DatagramEvent::ConnectionEvent(_, event)) => {
                if let Some((_, connection)) = &mut it.connection {
                    connection.handle_event(event);
                }
            }
            Some(DatagramEvent::NewConnection(incoming)) => {
                let accepted = it.endpoint.accept(incoming, now, &mut buffer, None);
                if let Ok(accepted) = accepted {
                    it.connection = Some(accepted);
                }
            }
            Some(DatagramEvent::Response(_)) | None => {}
        }
    }

    /// Lets an end do all that it can. Gives what it sends, and when it wants to be called again.
    pub(super) fn drive(
        &mut self,
        now: Instant,
        since: Duration,
        end: usize,
    ) -> (Vec<Packet>, Option<Instant>) {
        let mut out = Vec::new();
        if self.ends[end].connection.is_none() {
            return (out, None);
        }
        if end == CLIENT {
            self.write();
        } else {
            self.read(since);
        }
        let it = &mut self.ends[end];
        let Some((handle, connection)) = &mut it.connection else {
            return (out, None);
        };
        while connection.poll_timeout().is_some_and(|at| at <= now) {
            connection.handle_timeout(now);
        }
        let mut buffer = Vec::new();
        while let Some(transmit) = connection.poll_transmit(now, 10, &mut buffer) {
            let stride = transmit.segment_size.unwrap_or(transmit.size);
            for data in buffer[..transmit.size].chunks(stride) {
                out.push(Packet {
                    data: data.to_vec(),
                    ecn: transmit.ecn,
                });
            }
            buffer.clear();
        }
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(answer) = it.endpoint.handle_event(*handle, event) {
                connection.handle_event(answer);
            }
        }
        while let Some(event) = connection.poll() {
            assert!(
                !matches!(event, Event::ConnectionLost { .. }),
                "a simulated tunnel is lost: {event:?}"
            );
        }
        (out, connection.poll_timeout())
    }

    fn write(&mut self) {
        const NOTHING: [u8; 16 << 10] = [0; 16 << 10];
        let Some((_, connection)) = &mut self.ends[CLIENT].connection else {
            return;
        };
        if connection.is_handshaking() {
            return;
        }
        let stream = match self.stream {
            Some(stream) => stream,
            None => match connection.streams().open(Dir::Uni) {
                Some(stream) => *self.stream.insert(stream),
                None => return,
            },
        };
        loop {
            // quinn takes all that fits its window; a queue of a few windows is as good and holds less memory.
            let wanted = match self.load {
                Load::Bulk => (8u64 << 20).saturating_sub(self.written - self.received),
                Load::Bursts(..) | Load::Quiet => self.owed,
            };
            let wanted = wanted.min(NOTHING.len() as u64) as usize;
            if wanted == 0 {
                return;
            }
            match connection.send_stream(stream).write(&NOTHING[..wanted]) {
                Ok(taken) => {
                    self.written += taken as u64;
                    self.owed = self.owed.saturating_sub(taken as u64);
                }
                Err(_) => return,
            }
        }
    }

    fn read(&mut self, since: Duration) {
        let Some((_, connection)) = &mut self.ends[SERVER].connection else {
            return;
        };
        let stream = StreamId::new(quinn_proto::Side::Client, Dir::Uni, 0);
        if let Ok(mut chunks) = connection.recv_stream(stream).read(true) {
            while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
                self.received += chunk.bytes.len() as u64;
            }
            let _told = chunks.finalize();
        }
        while self
            .bursts
            .front()
            .is_some_and(|(_, until)| *until <= self.received)
        {
            if let Some((began, _)) = self.bursts.pop_front() {
                self.took.push((began, since - began));
            }
        }
    }
}
