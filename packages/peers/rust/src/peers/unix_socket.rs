//! A stream socket: the writer sends each frame to every reader in turn, and waits while the socket of one is full.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::adapter::{Failure, Publisher, Reader};
use crate::picture::{FRAME_BYTES, Picture};

pub struct Server {
    listener: UnixListener,
    clients: Vec<UnixStream>,
}

impl Server {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("socket");
        // As servers do: the one of a writer that was killed is in the way.
        _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            clients: Vec::new(),
        })
    }
}

impl Publisher for Server {
    fn publish(&mut self, picture: &Picture) -> Result<(), Failure> {
        loop {
            match self.listener.accept() {
                Ok((client, _)) => self.clients.push(client),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        // Who is gone gets nothing any more.
        self.clients
            .retain_mut(|client| client.write_all(picture.bytes).is_ok());
        Ok(())
    }
}

pub struct Client {
    stream: UnixStream,
    copy: Vec<u8>,
}

impl Client {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            stream: UnixStream::connect(folder.join("socket"))?,
            copy: vec![0; FRAME_BYTES],
        })
    }
}

impl Reader for Client {
    fn next(&mut self, timeout: Duration) -> Result<bool, Failure> {
        let timeout = Timespec::try_from(timeout)?;
        if poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], Some(&timeout))? == 0 {
            return Ok(false);
        }
        self.stream.read_exact(&mut self.copy)?;
        Ok(true)
    }

    fn picture(&self) -> &[u8] {
        &self.copy
    }
}
