//! A narrow way: little of what a camera sends may wait in the kernel for us.
//!
//! What waits there comes in with a single read, up to the room in retina's ring, and retina takes it apart before
//! anybody can look: headers, into 27 times their size. A ring that has room for the largest pictures needs this.
#![expect(unsafe_code, reason = "retina keeps its socket for itself, so it has to be found by its number")]

use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::net::sockopt::set_socket_recv_buffer_size;
use url::Url;

/// Wide enough for 16 Mbit/s over a tenth of a second of distance. The kernel allows no more by itself.
pub(crate) const ROOM: usize = 212_992;

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
            set_socket_recv_buffer_size(&socket, ROOM)?;
            narrowed = true;
        }
    }
    if narrowed { Ok(()) } else { Err(io::ErrorKind::NotConnected.into()) }
}

/// Returns the socket once more, if it is one and is connected to one of the addresses.
fn connected_to(number: RawFd, addresses: &[SocketAddr]) -> Option<TcpStream> {
    let socket = once_more(number)?;
    let peer = socket.peer_addr().ok()?;
    addresses.contains(&peer).then_some(socket)
}

/// Returns the file once more, as the socket that it may be.
fn once_more(number: RawFd) -> Option<TcpStream> {
    if number < 0 {
        return None;
    }
    // SAFETY: it is borrowed for one `dup`. Where its owner has closed it meanwhile, the call fails or finds another
    // file, which is none of the sockets in question, or is one.
    let file = unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned().ok()?;
    Some(TcpStream::from(file))
}

/// The connections that wait in one runtime.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// The kernel's list of what the runtime waits for.
    list: PathBuf,
}

impl Waiting {
    /// Finds those of the runtime that this is called in.
    pub(crate) fn in_this_runtime() -> io::Result<Self> {
        let known = UdpSocket::bind("127.0.0.1:0")?;
        known.set_nonblocking(true)?;
        let known = tokio::net::UdpSocket::from_std(known)?;
        for entry in fs::read_dir("/proc/self/fdinfo")? {
            let list = entry?.path();
            if waited_for(&list).is_ok_and(|waited| waited.contains(&known.as_raw_fd())) {
                return Ok(Self { list });
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Lets no more wait there than `room`; the kernel takes it twice, for what it needs itself.
    pub(crate) fn narrow(&self, room: usize) -> io::Result<()> {
        for number in waited_for(&self.list)? {
            if let Some(socket) = once_more(number)
                && socket.peer_addr().is_ok()
            {
                set_socket_recv_buffer_size(&socket, room)?;
            }
        }
        Ok(())
    }
}

/// Reads the numbers out of lines like `tfd:       10 events: 8000201d data: …`.
fn waited_for(list: &Path) -> io::Result<Vec<RawFd>> {
    let text = fs::read_to_string(list)?;
    let numbers =
        text.lines().filter_map(|line| line.strip_prefix("tfd:")?.split_whitespace().next()?.parse().ok());
    Ok(numbers.collect())
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
    async fn connections_of_a_runtime_are_narrowed_and_no_others() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let ours = tokio::net::TcpStream::connect(address).await.unwrap();
        let other = TcpStream::connect(address).unwrap();
        let before = room(&other);
        Waiting::in_this_runtime().unwrap().narrow(4096).unwrap();
        assert_eq!(socket_recv_buffer_size(&ours).unwrap(), 2 * 4096);
        assert_eq!(room(&other), before);
    }

    #[tokio::test]
    async fn without_a_connection_it_is_an_error() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("rtsp://127.0.0.1:{}/", server.local_addr().unwrap().port());
        assert_eq!(narrow(&url.parse().unwrap()).await.unwrap_err().kind(), io::ErrorKind::NotConnected);
    }
}
