//! A way to a server that can be shut: whoever comes then is turned away at once, and who is through is cut off.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

#[derive(Debug)]
pub(crate) struct Gateway {
    address: String,
    ways: Arc<Ways>,
}

#[derive(Debug, Default)]
struct Ways {
    is_open: AtomicBool,
    through: Mutex<Vec<TcpStream>>,
}

impl Gateway {
    /// Stands before a server, shut.
    pub(crate) fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (ways, server) = (Arc::<Ways>::default(), server.to_owned());
        let within = Arc::clone(&ways);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if within.is_open.load(Ordering::SeqCst) {
                    within.let_through(stream, &server).unwrap();
                }
            }
        });
        Self { address, ways }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn open(&self) {
        self.ways.is_open.store(true, Ordering::SeqCst);
    }

    pub(crate) fn shut(&self) {
        self.ways.is_open.store(false, Ordering::SeqCst);
        for stream in self.ways.through.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Ways {
    fn let_through(&self, client: TcpStream, server: &str) -> io::Result<()> {
        let server = TcpStream::connect(server)?;
        let mut through = self.through.lock().unwrap_or_else(PoisonError::into_inner);
        through.extend([client.try_clone()?, server.try_clone()?]);
        for (mut from, mut to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
        Ok(())
    }
}
