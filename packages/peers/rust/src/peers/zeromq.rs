//! ZeroMQ: PUB and SUB over ipc, with queues as long as this project's ring.

use std::path::Path;
use std::time::Duration;

use zmq::{Context, Message, PollEvents, Socket, SocketType};

use crate::adapter::{Failure, Publisher, Reader};
use crate::picture::Picture;

const QUEUE: i32 = 4;

fn endpoint(folder: &Path) -> String {
    format!("ipc://{}/socket", folder.display())
}

pub struct Pub(Socket);

impl Pub {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        let socket = Context::new().socket(SocketType::PUB)?;
        socket.set_sndhwm(QUEUE)?;
        socket.set_linger(0)?;
        socket.bind(&endpoint(folder))?;
        Ok(Self(socket))
    }
}

impl Publisher for Pub {
    fn publish(&mut self, picture: &Picture) -> Result<(), Failure> {
        Ok(self.0.send(picture.bytes, 0)?)
    }
}

pub struct Sub {
    socket: Socket,
    message: Message,
}

impl Sub {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        let socket = Context::new().socket(SocketType::SUB)?;
        socket.set_rcvhwm(QUEUE)?;
        socket.set_subscribe(b"")?;
        socket.connect(&endpoint(folder))?;
        Ok(Self {
            socket,
            message: Message::new(),
        })
    }
}

impl Reader for Sub {
    fn next(&mut self, timeout: Duration) -> Result<bool, Failure> {
        if self
            .socket
            .poll(PollEvents::POLLIN, i64::try_from(timeout.as_millis())?)?
            == 0
        {
            return Ok(false);
        }
        // A message is memory of this process.
        self.socket.recv(&mut self.message, 0)?;
        Ok(true)
    }

    fn picture(&self) -> &[u8] {
        &self.message
    }
}
