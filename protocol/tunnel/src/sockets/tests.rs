//! What is taken over, what isn't, and what the keeper hears of it.

use super::*;

#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Keeper for Notes {
    fn keep(&self, name: &str, _: BorrowedFd<'_>) {
        self.0.lock().push(format!("keep {name}"));
    }

    fn forget(&self, name: &str) {
        self.0.lock().push(format!("forget {name}"));
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(loopback(0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn never<S>() -> io::Result<S> {
    Err(io::Error::other("a socket was left: none is to be bound"))
}

#[test]
fn a_new_socket_is_kept_and_one_that_was_left_is_used() {
    let notes = Arc::new(Notes::default());
    let first = Sockets::new([], Some(notes.clone()));
    let bound = first
        .tcp("node.tcp.1", loopback(0), || Ok(listener().0))
        .unwrap();
    let address = bound.local_addr().unwrap();
    assert_eq!(*notes.0.lock(), ["keep node.tcp.1"]);

    let left = [("node.tcp.1".to_owned(), OwnedFd::from(bound))];
    let second = Sockets::new(left, Some(notes.clone()));
    assert!(second.has("node.tcp.1"));
    let taken = second.tcp("node.tcp.1", address, never).unwrap();
    assert_eq!(taken.local_addr().unwrap(), address);
    assert!(!second.has("node.tcp.1"));
    assert_eq!(notes.0.lock().len(), 1, "what is kept isn't kept twice");
}

#[test]
fn a_socket_of_another_address_or_kind_is_let_go() {
    for wanted_is_udp in [false, true] {
        let notes = Arc::new(Notes::default());
        let (tcp, address) = listener();
        let left = [("x".to_owned(), OwnedFd::from(tcp))];
        let sockets = Sockets::new(left, Some(notes.clone()));
        if wanted_is_udp {
            let bind = || UdpSocket::bind(loopback(0));
            sockets.udp("x", address, bind).unwrap();
        } else {
            let (other, elsewhere) = listener();
            sockets.tcp("x", elsewhere, || Ok(other)).unwrap();
        }
        assert_eq!(*notes.0.lock(), ["forget x", "keep x"]);
        TcpListener::bind(address).expect("the port is free again");
    }
}

#[test]
fn what_nobody_asks_for_is_closed() {
    let notes = Arc::new(Notes::default());
    let (tcp, address) = listener();
    let sockets = Sockets::new([("x".to_owned(), OwnedFd::from(tcp))], Some(notes.clone()));
    sockets.release_rest();
    assert!(!sockets.has("x"));
    assert_eq!(*notes.0.lock(), ["forget x"]);
    TcpListener::bind(address).expect("the port is free again");
}
