//! A camera that means harm: plain sockets, and a script for each connection.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// No script sends for longer.
const SENDING: Duration = Duration::from_secs(10);

type Script = dyn Fn(&mut Talk) -> io::Result<()> + Send + Sync;

pub(crate) struct HostileCamera {
    pub(crate) port: u16,
    plan: Arc<Plan>,
    thread: Option<JoinHandle<()>>,
}

struct Plan {
    script: Mutex<Arc<Script>>,
    /// Connections that ran this script to its end.
    served: AtomicUsize,
    over: AtomicBool,
}

/// One connection.
pub(crate) struct Talk {
    pub(crate) stream: TcpStream,
    /// At most so many bytes per write.
    pub(crate) piece: usize,
    plan: Arc<Plan>,
    request: String,
    until: Instant,
    sequence: u16,
    timestamp: u32,
}

impl HostileCamera {
    pub(crate) fn start(script: impl Fn(&mut Talk) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Mutex::new(Arc::new(script) as Arc<Script>);
        let plan = Arc::new(Plan { script, served: AtomicUsize::new(0), over: AtomicBool::new(false) });
        let carried_out = Arc::clone(&plan);
        let thread = std::thread::spawn(move || serve(&listener, &carried_out));
        Self { port, plan, thread: Some(thread) }
    }

    /// From the next connection on.
    pub(crate) fn act(&self, script: impl Fn(&mut Talk) -> io::Result<()> + Send + Sync + 'static) {
        let mut current = self.plan.script.lock().unwrap();
        *current = Arc::new(script);
        self.plan.served.store(0, Ordering::SeqCst);
    }

    /// Counts the connections that ran their script to its end since the last [`Self::act`].
    pub(crate) fn served(&self) -> usize {
        self.plan.served.load(Ordering::SeqCst)
    }
}

impl Drop for HostileCamera {
    fn drop(&mut self) {
        self.plan.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the hostile camera failed");
    }
}

fn serve(listener: &TcpListener, plan: &Arc<Plan>) {
    while let Ok((stream, _)) = listener.accept() {
        if plan.over.load(Ordering::SeqCst) {
            return;
        }
        let script = Arc::clone(&plan.script.lock().unwrap());
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(SENDING * 2)).unwrap();
        let until = Instant::now() + SENDING;
        let plan = Arc::clone(plan);
        let mut talk = Talk {
            stream,
            piece: usize::MAX,
            plan,
            request: String::new(),
            until,
            sequence: 0,
            timestamp: 0,
        };
        // the other side hangs up where it has had enough
        let _ = script(&mut talk);
        let current = talk.plan.script.lock().unwrap();
        if Arc::ptr_eq(&script, &current) {
            talk.plan.served.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// H.264, 720×480.
pub(crate) const DESCRIPTION: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
    a=fmtp:96 packetization-mode=1; profile-level-id=4D001E; sprop-parameter-sets=Z00AHpWoLQ9puAgICBA=,aO48gA==\r\n\
    a=control:track1\r\n";

impl Talk {
    /// Reads a request and returns its number.
    pub(crate) fn asked(&mut self) -> io::Result<String> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            request.push(byte[0]);
        }
        self.request = String::from_utf8_lossy(&request).into_owned();
        Ok(self.header("CSeq: ").unwrap_or("0").to_owned())
    }

    /// Looks at the next request, which is still to be read.
    pub(crate) fn is_asked_to_end(&self) -> io::Result<bool> {
        let mut begin = [0; 8];
        while self.stream.peek(&mut begin)? < begin.len() {
            std::thread::yield_now();
        }
        Ok(&begin == b"TEARDOWN")
    }

    /// Of the last request.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.request.lines().find_map(|line| line.strip_prefix(name))
    }

    /// Begins the answer to the next request; what follows are more headers.
    pub(crate) fn begin_answer(&mut self) -> io::Result<()> {
        let number = self.asked()?;
        self.send(format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\n").as_bytes())
    }

    pub(crate) fn describe(&mut self, description: &str) -> io::Result<()> {
        self.begin_answer()?;
        let length = description.len();
        let head = format!("Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n");
        self.send(head.as_bytes())?;
        self.send(description.as_bytes())
    }

    pub(crate) fn set_up(&mut self) -> io::Result<()> {
        self.begin_answer()?;
        self.send(b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1;timeout=60\r\n\r\n")
    }

    /// Behaves, up to the answer to PLAY.
    pub(crate) fn play(&mut self) -> io::Result<()> {
        self.play_as(DESCRIPTION)
    }

    pub(crate) fn play_as(&mut self, description: &str) -> io::Result<()> {
        self.describe(description)?;
        self.set_up()?;
        self.begin_answer()?;
        self.send(b"Session: 1\r\n\r\n")
    }

    /// Sends an RTP packet with this payload.
    pub(crate) fn packet(&mut self, is_last: bool, payload: &[u8]) -> io::Result<()> {
        let packet = self.wrapped(is_last, payload);
        self.send(&packet)
    }

    pub(crate) fn packets(&mut self, count: usize, payload: &[u8]) -> io::Result<()> {
        let packets: Vec<u8> = (0..count).flat_map(|_| self.wrapped(false, payload)).collect();
        self.send(&packets)
    }

    /// As it is sent by TCP, with four bytes in front.
    pub(crate) fn wrapped(&mut self, is_last: bool, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len() + 12).unwrap().to_be_bytes();
        let mut packet = vec![b'$', 0, length[0], length[1], 0x80, 96 | (u8::from(is_last) << 7)];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend([0, 0, 0, 7]);
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        if is_last {
            self.timestamp = self.timestamp.wrapping_add(3600);
        }
        packet
    }

    /// Sends a picture of `size` bytes, in fragments where it has to (RFC 6184, 5.8).
    pub(crate) fn picture(&mut self, kind: u8, size: usize) -> io::Result<()> {
        let pieces = size.div_ceil(60_000);
        if pieces == 1 {
            return self.packet(true, &[&[kind], &vec![0x55; size][..]].concat());
        }
        for piece in 0..pieces {
            let edge = if piece == 0 {
                0x80
            } else if piece + 1 == pieces {
                0x40
            } else {
                0
            };
            let mut payload = vec![28, edge | kind];
            payload.resize(2 + size.div_ceil(pieces), 0x55);
            self.packet(piece + 1 == pieces, &payload)?;
        }
        Ok(())
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(self.piece.min(bytes.len().max(1))) {
            self.stream.write_all(piece)?;
        }
        Ok(())
    }

    /// Repeats until the other side has had enough.
    pub(crate) fn for_ever(&mut self, mut step: impl FnMut(&mut Self) -> io::Result<()>) -> io::Result<()> {
        while Instant::now() < self.until && !self.plan.over.load(Ordering::SeqCst) {
            step(self)?;
        }
        Ok(())
    }

    /// Waits for the other side to hang up.
    pub(crate) fn fall_silent(&mut self) -> io::Result<()> {
        self.stream.read(&mut [0; 100]).map(drop)
    }
}
