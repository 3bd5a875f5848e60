//! Sockets that outlive their process: taken over from whoever kept them, or bound anew and given into keeping.
//!
//! While a process restarts, the kernel goes on queueing for a socket that a supervisor keeps open: connections in the backlog,
//! datagrams in its buffer. Nothing is lost that the next process can't take up.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use parking_lot::Mutex;
use socket2::{SockRef, Type};

/// Keeps sockets for the next process, such as systemd's file descriptor store.
pub trait Keeper: std::fmt::Debug + Send + Sync {
    /// Takes a duplicate under a name.
    fn keep(&self, name: &str, socket: BorrowedFd<'_>);
    /// Closes what it keeps under a name.
    fn forget(&self, name: &str);
}

/// The sockets of one process. Clones share them. The default takes nothing over and keeps nothing.
#[derive(Debug, Clone, Default)]
pub struct Sockets {
    inherited: Arc<Mutex<BTreeMap<String, OwnedFd>>>,
    keeper: Option<Arc<dyn Keeper>>,
}

impl Sockets {
    /// What an earlier process left, and who keeps what this one opens.
    pub fn new(
        inherited: impl IntoIterator<Item = (String, OwnedFd)>,
        keeper: Option<Arc<dyn Keeper>>,
    ) -> Self {
        Self {
            inherited: Arc::new(Mutex::new(inherited.into_iter().collect())),
            keeper,
        }
    }

    /// Whether somebody left a socket of this name that nobody has asked for yet.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.inherited.lock().contains_key(name)
    }

    /// The UDP socket `name` at `address`: the one that was left, or what `bind` makes.
    ///
    /// # Errors
    /// When `bind` fails.
    pub fn udp(
        &self,
        name: &str,
        address: SocketAddr,
        bind: impl FnOnce() -> io::Result<UdpSocket>,
    ) -> io::Result<UdpSocket> {
        let left = self.take(name, Type::DGRAM, address)?.map(UdpSocket::from);
        self.left_or_bound(name, left, bind)
    }

    /// The listening TCP socket `name` at `address`: the one that was left, or what `bind` makes.
    ///
    /// # Errors
    /// When `bind` fails.
    pub fn tcp(
        &self,
        name: &str,
        address: SocketAddr,
        bind: impl FnOnce() -> io::Result<TcpListener>,
    ) -> io::Result<TcpListener> {
        let left = self
            .take(name, Type::STREAM, address)?
            .map(TcpListener::from);
        self.left_or_bound(name, left, bind)
    }

    fn left_or_bound<S: AsFd>(
        &self,
        name: &str,
        left: Option<S>,
        bind: impl FnOnce() -> io::Result<S>,
    ) -> io::Result<S> {
        if let Some(left) = left {
            tracing::debug!(name, "goes on with a socket of the process before");
            return Ok(left);
        }
        let socket = bind()?;
        if let Some(keeper) = &self.keeper {
            keeper.keep(name, socket.as_fd());
        }
        Ok(socket)
    }

    /// What was left, if it is what is wanted now; settings may have changed in between.
    fn take(&self, name: &str, kind: Type, address: SocketAddr) -> io::Result<Option<OwnedFd>> {
        let Some(left) = self.inherited.lock().remove(name) else {
            return Ok(None);
        };
        let socket = SockRef::from(&left);
        let is_at = socket.local_addr().ok().and_then(|at| at.as_socket());
        let fits = socket.r#type().ok() == Some(kind)
            && is_at.is_some_and(|at| {
                at == address || (address.port() == 0 && at.ip() == address.ip())
            });
        if !fits {
            tracing::info!(name, ?is_at, %address, "a socket that was left is not the one that is wanted");
            drop(left);
            self.forget(name);
            return Ok(None);
        }
        socket.set_nonblocking(true)?;
        Ok(Some(left))
    }

    /// This socket isn't wanted any more, nor by the next process.
    pub fn release(&self, name: &str) {
        self.inherited.lock().remove(name);
        self.forget(name);
    }

    /// Closes whatever was left and nobody has asked for: a listener without anybody who accepts would let connections hang.
    pub fn release_rest(&self) {
        let rest = std::mem::take(&mut *self.inherited.lock());
        for name in rest.keys() {
            tracing::info!(name, "a socket that was left is not wanted any more");
            self.forget(name);
        }
    }

    fn forget(&self, name: &str) {
        if let Some(keeper) = &self.keeper {
            keeper.forget(name);
        }
    }
}

#[cfg(test)]
mod tests;
