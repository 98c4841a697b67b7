//! A narrow way: little of what a camera sends may wait in the kernel for us.
//!
//! What waits there comes in with a single read, up to the room in retina's ring, and retina takes it apart before
//! anybody can look: headers, into 27 times their size. A ring that has room for the largest pictures needs this.
#![expect(unsafe_code, reason = "retina keeps its socket for itself, so it has to be found by its number")]

use std::net::{SocketAddr, TcpStream};
use std::os::fd::{BorrowedFd, RawFd};
use std::{fs, io};

use rustix::net::sockopt::set_socket_recv_buffer_size;
use url::Url;

/// Wide enough for 16 Mbit/s over a tenth of a second of distance. The kernel allows no more by itself.
const WAITING: usize = 212_992;

const RTSP_PORT: u16 = 554;

/// Narrows the connections of this process to the server, those of other cameras behind the same one included.
pub(crate) async fn narrow(server: &Url) -> io::Result<()> {
    let host = server.host_str().ok_or(io::ErrorKind::InvalidInput)?.trim_matches(['[', ']']);
    let port = server.port().unwrap_or(RTSP_PORT);
    let addresses: Vec<_> = tokio::net::lookup_host((host, port)).await?.collect();
    let mut narrowed = false;
    for entry in fs::read_dir("/proc/self/fd")? {
        if let Ok(number) = entry?.file_name().to_string_lossy().parse()
            && let Some(socket) = connected_to(number, &addresses)
        {
            set_socket_recv_buffer_size(&socket, WAITING)?;
            narrowed = true;
        }
    }
    if narrowed { Ok(()) } else { Err(io::ErrorKind::NotConnected.into()) }
}

/// Returns the socket once more, if it is one and is connected to one of the addresses.
fn connected_to(number: RawFd, addresses: &[SocketAddr]) -> Option<TcpStream> {
    if number < 0 {
        return None;
    }
    // SAFETY: it is borrowed for one `dup`. Where its owner has closed it meanwhile, the call fails or finds another
    // file, which is none of these sockets, or is one.
    let file = unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned().ok()?;
    let socket = TcpStream::from(file);
    let peer = socket.peer_addr().ok()?;
    addresses.contains(&peer).then_some(socket)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use rustix::net::sockopt::socket_recv_buffer_size;

    use super::*;

    fn room(socket: &TcpStream) -> usize {
        socket_recv_buffer_size(socket).unwrap()
    }

    #[tokio::test]
    async fn connections_to_that_server_are_narrowed_and_no_others() {
        let servers = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [wanted, other] = servers.each_ref().map(|server| {
            let ours = TcpStream::connect(server.local_addr().unwrap()).unwrap();
            set_socket_recv_buffer_size(&ours, 8192).unwrap();
            ours
        });
        let before = room(&other);
        let port = servers[0].local_addr().unwrap().port();
        narrow(&format!("rtsp://127.0.0.1:{port}/cam").parse().unwrap()).await.unwrap();
        assert!(room(&wanted) > before, "{} bytes", room(&wanted));
        assert_eq!(room(&other), before);
    }

    #[tokio::test]
    async fn without_a_connection_it_is_an_error() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("rtsp://127.0.0.1:{}/", server.local_addr().unwrap().port());
        assert_eq!(narrow(&url.parse().unwrap()).await.unwrap_err().kind(), io::ErrorKind::NotConnected);
    }
}
