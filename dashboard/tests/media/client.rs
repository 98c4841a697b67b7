//! A client that sends what it is told, letter by letter: libraries would tidy up paths and headers.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Reaching it is the failure.
const NEVER: Duration = Duration::from_secs(20);

pub(crate) struct Client(TcpStream);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends a request with these header lines; `Host` is added where they have none.
    pub(crate) async fn send(&mut self, request: &str, headers: &[&str]) {
        let mut text = format!("{request} HTTP/1.1\r\n");
        if !headers.iter().any(|line| line.starts_with("Host:")) {
            text += "Host: 127.0.0.1\r\n";
        }
        headers.iter().for_each(|line| text += &format!("{line}\r\n"));
        self.0.write_all((text + "\r\n").as_bytes()).await.unwrap();
    }

    /// Reads status and header lines, and leaves the body.
    pub(crate) async fn head(&mut self) -> Answer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(NEVER, self.0.read_u8()).await.expect("an answer comes in time");
            head.push(byte.expect("the answer has a whole header"));
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: Vec::new() }
    }

    pub(crate) async fn body(&mut self, length: usize) -> Vec<u8> {
        let mut body = vec![0; length];
        timeout(NEVER, self.0.read_exact(&mut body)).await.expect("the body comes in time").unwrap();
        body
    }

    /// Sends and reads one answer; the connection can be used again, which proves that its length is right.
    pub(crate) async fn ask(&mut self, request: &str, headers: &[&str]) -> Answer {
        self.send(request, headers).await;
        let mut answer = self.head().await;
        if !request.starts_with("HEAD ") && answer.status != 304 {
            let length = answer.header("content-length").map_or(0, |l| l.parse().unwrap());
            answer.body = self.body(length).await;
        }
        answer
    }

    /// Tells whether nothing more comes, once the other side has closed.
    pub(crate) async fn is_closed(&mut self) -> bool {
        timeout(NEVER, self.0.read_u8()).await.expect("closed in time").is_err()
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns a header's comma-separated values in lower case, sorted.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let values = self.header(name).unwrap_or_default().split(',');
        let mut values = values.map(|v| v.trim().to_ascii_lowercase()).collect::<Vec<_>>();
        values.sort();
        values
    }
}
